// HTTP filters of a connection manager, by the type of their configuration. A filter that is not known refuses the listener, since
// leaving it out would change what the listener does; one marked optional is listed and left out.
import { Buffer as BufferMessage } from '../../shared/xds/generated/envoy/extensions/filters/http/buffer/v3/buffer.ts';
import type { ExtensionConfigSource } from '../../shared/xds/generated/envoy/config/core/v3/config_source.ts';
import { Cors } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { CsrfPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/csrf/v3/csrf.ts';
import { ExtAuthz } from '../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { FilterConfig as GrpcStats } from '../../shared/xds/generated/envoy/extensions/filters/http/grpc_stats/v3/config.ts';
import { JwtAuthentication } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { HeaderMutation } from '../../shared/xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation.ts';
import { HealthCheck } from '../../shared/xds/generated/envoy/extensions/filters/http/health_check/v3/health_check.ts';
import { LocalRateLimit } from '../../shared/xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts';
import { RateLimit } from '../../shared/xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit.ts';
import { RBAC } from '../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { Router } from '../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import type { HttpFilter } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { FilterConfig as AlpnConfig, FilterConfig_Protocol as AlpnProtocol } from '../../shared/xds/generated/istio/alpn.ts';
import { Config as PeerMetadata } from '../../shared/xds/generated/istio/peer_metadata.ts';
import { extAuthz } from './ext-authz.ts';
import type { HttpFilterConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { fault, localRateLimit } from './http-filter-parts.ts';
import { istioStats } from './istio-filters.ts';
import { jwtAuthn } from './jwt-authn.ts';
import { rateLimit } from './rate-limit.ts';
import { rbacRules } from './rbac.ts';
import { buffer, csrf, headerMutation, healthCheck } from './small-filters.ts';
import type { ListenerConfig } from './runtime-config.ts';
import { statefulSession } from './stateful-session.ts';
import { typedConfig, typeName, type TypedConfig } from './typed-struct.ts';

type Unnamed<T> = T extends unknown ? Omit<T, 'name'> : never;
type FilterBody = Unnamed<HttpFilterConfig>;
type Compiler = (config: TypedConfig, path: string, findings: Findings, direction: ListenerConfig['direction']) => FilterBody;

const COMPILERS: Readonly<Record<string, Compiler>> = {
  'envoy.extensions.filters.http.router.v3.Router': ({ bytes }, path, findings) => {
    const router = Router.decode(bytes);
    findings.ignoreFields(router, path, ['dynamicStats', 'startChildSpan', 'suppressEnvoyHeaders', 'respectExpectedRqTimeout', 'suppressGrpcRequestFailureCodeStats', 'upstreamLog', 'upstreamLogOptions']);
    findings.refuseFields(router, path, ['strictCheckHeaders', 'upstreamHttpFilters']);
    return { kind: 'router' };
  },
  'envoy.extensions.filters.http.fault.v3.HTTPFault': ({ bytes }, path, findings) => fault(HTTPFault.decode(bytes), path, findings),
  'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication': ({ bytes }, path, findings) => jwtAuthn(JwtAuthentication.decode(bytes), path, findings),
  'envoy.extensions.filters.http.stateful_session.v3.StatefulSession': ({ bytes }, path, findings) => statefulSession(bytes, path, findings),
  'envoy.extensions.filters.http.cors.v3.Cors': ({ bytes }) => {
    Cors.decode(bytes);
    return { kind: 'cors' };
  },
  'envoy.extensions.filters.http.rbac.v3.RBAC': ({ bytes }, path, findings) => {
    const rbac = RBAC.decode(bytes);
    findings.refuseFields(rbac, path, ['matcher', 'shadowMatcher']);
    findings.ignoreFields(rbac, path, ['rulesStatPrefix', 'trackPerRuleStats']);
    return {
      kind: 'rbac',
      rules: rbac.rules ? rbacRules(rbac.rules, `${path}.rules`, findings) : null,
      shadowRules: rbac.shadowRules ? rbacRules(rbac.shadowRules, `${path}.shadow_rules`, findings) : null,
      ...(rbac.shadowRulesStatPrefix ? { shadowStatPrefix: rbac.shadowRulesStatPrefix } : {}),
    };
  },
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': ({ bytes }, path, findings) => localRateLimit(LocalRateLimit.decode(bytes), path, findings),
  'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz': ({ bytes }, path, findings) => extAuthz(ExtAuthz.decode(bytes), path, findings),
  'envoy.extensions.filters.http.ratelimit.v3.RateLimit': ({ bytes }, path, findings) => rateLimit(RateLimit.decode(bytes), path, findings),
  'envoy.extensions.filters.http.buffer.v3.Buffer': ({ bytes }, path, findings) => buffer(BufferMessage.decode(bytes), path, findings),
  'envoy.extensions.filters.http.csrf.v3.CsrfPolicy': ({ bytes }, path, findings) => csrf(CsrfPolicy.decode(bytes), path, findings),
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation': ({ bytes }, path, findings) => {
    const message = HeaderMutation.decode(bytes);
    return headerMutation(message.mutations, message.mostSpecificHeaderMutationsWins ?? false, path, findings);
  },
  'envoy.extensions.filters.http.health_check.v3.HealthCheck': ({ bytes }, path, findings) => healthCheck(HealthCheck.decode(bytes), path, findings),
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig': ({ bytes }, path, findings) => {
    const config = GrpcStats.decode(bytes);
    findings.ignoreFields(config, path, ['enableUpstreamStats', 'replaceDotsInGrpcServiceName']);
    const form = config.perMethodStatSpecifier;
    return { kind: 'grpc_stats', emitFilterState: config.emitFilterState ?? false, statsForAllMethods: form?.$case === 'statsForAllMethods' && (form.statsForAllMethods ?? false) };
  },
  'io.istio.http.peer_metadata.Config': (config) => peerMetadata(config),
  'stats.PluginConfig': istioStats,
  'istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig': (config) => alpn(config),
};

/** The filters in order; the last one must be the router and no other. */
export function httpFilters(messages: readonly HttpFilter[] | undefined, path: string, findings: Findings, direction: ListenerConfig['direction']): readonly HttpFilterConfig[] {
  const filters = (messages ?? []).flatMap((message, index) => httpFilter(message, `${path}[${index}]`, findings, direction));
  const routers = filters.filter((filter) => filter.kind === 'router').length;
  if (routers !== 1 || filters.at(-1)?.kind !== 'router') findings.refuse(path, 'The last HTTP filter, and only it, must be the router.');
  return filters;
}

function httpFilter(message: HttpFilter, path: string, findings: Findings, direction: ListenerConfig['direction']): readonly HttpFilterConfig[] {
  const name = message.name ?? '';
  if (message.disabled) {
    findings.ignore(`${path}.disabled`, 'A filter that is disabled is left out; routes can not enable it.');
    return [];
  }
  if (message.configType?.$case === 'configDiscovery') return [discoveredFilter(name, message.configType.configDiscovery, `${path}.config_discovery`, findings, direction)];
  const config = typedConfig(message.configType?.typedConfig);
  const filter = compileHttpFilter(name, config, `${path}.typed_config`, findings, direction);
  if (filter) return [filter];
  const text = `HTTP filter ${JSON.stringify(name)} of type ${JSON.stringify(config.type)} is not supported by this proxy`;
  if (message.isOptional) findings.ignore(path, `${text}; it is optional and left out.`);
  else findings.refuse(path, `${text}.`);
  return [];
}

/** One filter; undefined when its type is not known. */
export function compileHttpFilter(name: string, config: TypedConfig, path: string, findings: Findings, direction: ListenerConfig['direction']): HttpFilterConfig | undefined {
  const compile = COMPILERS[config.type];
  return compile && ({ name, ...compile(config, path, findings, direction) } as HttpFilterConfig);
}

/** A filter whose configuration comes by itself, over the stream that this listener came by. */
function discoveredFilter(name: string, source: ExtensionConfigSource, path: string, findings: Findings, direction: ListenerConfig['direction']): HttpFilterConfig {
  const form = source.configSource?.configSourceSpecifier?.$case;
  if (form !== 'ads' && form !== 'self') findings.refuse(`${path}.config_source`, 'Filter configurations are discovered over ADS alone.');
  const types = (source.typeUrls ?? []).map(typeName);
  if (types.length === 0) findings.refuse(`${path}.type_urls`, 'At least one type URL is needed.');
  const given = source.defaultConfig ? typedConfig(source.defaultConfig) : undefined;
  const fallback = given ? compileHttpFilter(name, given, `${path}.default_config`, findings, direction) : null;
  if (fallback === undefined) findings.refuse(`${path}.default_config`, `HTTP filter ${JSON.stringify(name)} of type ${JSON.stringify(given?.type)} is not supported by this proxy.`);
  return { name, kind: 'discovered', types, fallback: fallback ?? null, withoutWarming: source.applyDefaultConfigWithoutWarming ?? false };
}

/** What is discovered and told; a method given as struct names it without the oneof around it. */
function peerMetadata({ bytes, fields }: TypedConfig): FilterBody {
  const has = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
  const message: Readonly<Record<string, unknown>> = fields ?? { ...PeerMetadata.decode(bytes) };
  return {
    kind: 'peer_metadata',
    discoverDownstream: has(message['downstreamDiscovery']),
    discoverUpstream: has(message['upstreamDiscovery']),
    propagateUpstream: has(message['upstreamPropagation']),
    propagateDownstream: has(message['downstreamPropagation']),
  };
}

function alpn({ bytes, fields }: TypedConfig): FilterBody {
  const overrides = fields ? structOverrides(fields['alpnOverride']) : (AlpnConfig.decode(bytes).alpnOverride ?? []);
  const of = (protocol: number): readonly string[] => overrides.find((override) => (override.upstreamProtocol ?? 0) === protocol)?.alpnOverride ?? [];
  return { kind: 'istio_alpn', http10: of(AlpnProtocol.HTTP10), http11: of(AlpnProtocol.HTTP11), http2: of(AlpnProtocol.HTTP2) };
}

function structOverrides(list: unknown): readonly { upstreamProtocol: number; alpnOverride: readonly string[] }[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: Readonly<Record<string, unknown>>) => {
    const protocol = item['upstreamProtocol'];
    return {
      upstreamProtocol: typeof protocol === 'string' ? (AlpnProtocol as Readonly<Record<string, number>>)[protocol] ?? 0 : Number(protocol ?? 0),
      alpnOverride: Array.isArray(item['alpnOverride']) ? item['alpnOverride'].map(String) : [],
    };
  });
}
