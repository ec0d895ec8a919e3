// Writes src/shared/xds/generated: TypeScript messages with static encode and decode for the xDS v3 protocol.
// The .proto files come from the npm package @grpc/grpc-js-xds and, for Istio's own messages, from src/shared/xds/proto.
// Run by `npm run gen` and by every command that finds the output missing or older than its inputs.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const output = join(root, 'src/shared/xds/generated');
const work = join(root, '.cache/xds-protos');
const deps = join(root, 'node_modules/@grpc/grpc-js-xds/deps');

/** The files whose messages we use; what they import is generated with them. */
const roots = [
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/discovery/v3/discovery.proto',
  'envoy/config/bootstrap/v3/bootstrap.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/rbac/v3/rbac.proto',
  'envoy/config/trace/v3/zipkin.proto',
  'envoy/config/trace/v3/opentelemetry.proto',
  'envoy/extensions/access_loggers/file/v3/file.proto',
  'envoy/extensions/access_loggers/stream/v3/stream.proto',
  'envoy/extensions/clusters/aggregate/v3/cluster.proto',
  'envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto',
  'envoy/extensions/compression/gzip/compressor/v3/gzip.proto',
  'envoy/extensions/filters/http/buffer/v3/buffer.proto',
  'envoy/extensions/filters/http/compressor/v3/compressor.proto',
  'envoy/extensions/filters/http/cors/v3/cors.proto',
  'envoy/extensions/filters/http/csrf/v3/csrf.proto',
  'envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto',
  'envoy/extensions/filters/http/fault/v3/fault.proto',
  'envoy/extensions/filters/http/grpc_stats/v3/config.proto',
  'envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto',
  'envoy/extensions/filters/http/health_check/v3/health_check.proto',
  'envoy/extensions/filters/http/jwt_authn/v3/config.proto',
  'envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto',
  'envoy/extensions/filters/network/ext_authz/v3/ext_authz.proto',
  'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
  'envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto',
  'envoy/extensions/filters/http/rbac/v3/rbac.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto',
  'envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto',
  'envoy/extensions/http/stateful_session/cookie/v3/cookie.proto',
  'envoy/extensions/http/stateful_session/header/v3/header.proto',
  'envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto',
  'envoy/extensions/filters/listener/original_dst/v3/original_dst.proto',
  'envoy/extensions/filters/listener/original_src/v3/original_src.proto',
  'envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto',
  'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/rbac/v3/rbac.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.proto',
  'envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/transport_sockets/tls/v3/secret.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
  'envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto',
  'envoy/extensions/request_id/uuid/v3/uuid.proto',
  'envoy/service/secret/v3/sds.proto',
  'envoy/service/auth/v3/external_auth.proto',
  'envoy/service/ratelimit/v3/rls.proto',
  'envoy/admin/v3/config_dump.proto',
];

const plugin = {
  local: join(root, 'node_modules/.bin/protoc-gen-ts_proto'),
  out: output,
  strategy: 'all',
  include_imports: true,
  include_wkt: true,
  opt: ['env=browser', 'forceLong=number', 'useOptionals=all', 'oneof=unions', 'enumsAsLiterals=true', 'importSuffix=.ts',
    'outputServices=none', 'outputJsonMethods=to-only', 'snakeToCamel=keys', 'outputPartialMethods=false', 'exportCommonSymbols=false',
    'useDate=false', 'useMapType=false', 'removeComments=true'],
};

function protoFiles(folder: string, prefix = ''): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? protoFiles(join(folder, entry.name), `${prefix}${entry.name}/`) : entry.name.endsWith('.proto') ? [`${prefix}${entry.name}`] : []);
}

/** The stamp of what the output was made from: equal stamp, nothing to do. */
function inputStamp(own: readonly string[]): string {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(readFileSync(join(root, 'node_modules/@grpc/grpc-js-xds/package.json')));
  hash.update(readFileSync(join(root, 'node_modules/ts-proto/package.json')));
  for (const file of own) hash.update(file).update(readFileSync(join(root, 'src/shared/xds/proto', file)));
  return hash.digest('hex');
}

function generate(): void {
  const own = protoFiles(join(root, 'src/shared/xds/proto'));
  const stamp = inputStamp(own);
  const stampFile = join(output, '.stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  rmSync(work, { recursive: true, force: true });
  rmSync(output, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(output, { recursive: true });
  for (const [from, to] of [['envoy-api/envoy', 'envoy'], ['xds/xds', 'xds'], ['xds/udpa', 'udpa'], ['googleapis/google', 'google'], ['protoc-gen-validate/validate', 'validate']] as const) {
    cpSync(join(deps, from), join(work, to), { recursive: true });
  }
  for (const file of own) cpSync(join(root, 'src/shared/xds/proto', file), join(work, file));
  // The validate.proto that the package carries is older than the Envoy files beside it and lacks this option;
  // validation rules are not generated, so dropping it changes nothing.
  for (const file of protoFiles(work)) {
    const text = readFileSync(join(work, file), 'utf8');
    const cleaned = text.replace(/,?\s*ignore_empty: (true|false),?/g, '');
    if (cleaned !== text) writeFileSync(join(work, file), cleaned);
  }
  writeFileSync(join(work, 'buf.yaml'), 'version: v2\nmodules:\n  - path: .\n');
  writeFileSync(join(work, 'buf.gen.yaml'), JSON.stringify({ version: 'v2', plugins: [plugin] }));
  execFileSync(join(root, 'node_modules/.bin/buf'), ['generate', ...[...roots, ...own].flatMap((file) => ['--path', file])], { cwd: work, stdio: 'inherit' });
  if (statSync(output).isDirectory()) writeFileSync(stampFile, stamp);
}

generate();
