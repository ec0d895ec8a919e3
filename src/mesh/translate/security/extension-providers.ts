// The external authorizers of the mesh configuration as Envoy's ext_authz filters, in Istio's form. What is wrong with a provider denies whoever would be asked about.
import { isPathLiteral } from '../../../shared/lib/index.ts';
import type { ExtAuthzGrpcProvider, ExtAuthzHttpProvider } from '../../../shared/api/mesh-config/extension-provider.ts';
import { ApiVersion } from '../../../shared/xds/generated/envoy/config/core/v3/config_source.ts';
import type { GrpcService } from '../../../shared/xds/generated/envoy/config/core/v3/grpc_service.ts';
import type { BufferSettings, ExtAuthz, HttpService } from '../../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import type { ExtAuthz as NetworkExtAuthz } from '../../../shared/xds/generated/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts';
import type { ListStringMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import type { MetadataMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { HttpStatus } from '../../../shared/xds/generated/envoy/type/v3/http_status.ts';
import { outboundClusterName } from '../../../shared/xds/index.ts';
import type { MeshSnapshot } from '../../model/snapshot.ts';
import { milliseconds, durationOf } from '../xds-values.ts';

/** Stands before the names under which the outcome of the rules is left in metadata. */
export const CUSTOM_STAT_PREFIX = 'istio_ext_authz_';
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// A tab apart.
const CONTROL_CHARACTER = /[\x00-\x08\x0a-\x1f\x7f]/;
/** Istio's limit for an authorizer that says none. */
const DEFAULT_MILLISECONDS = 600_000;

/** The filters that ask one provider; `tcp` is absent for one that only speaks HTTP. */
export interface AskingFilters {
  readonly http: ExtAuthz;
  readonly tcp?: NetworkExtAuthz;
}

/** What the names of a provider's policies start with. */
export function providerPrefix(provider: string): string {
  return `istio-ext-authz-${provider}-`;
}

/** The filters of the provider called `name`, or why there are none. */
export function askingFilters(snapshot: MeshSnapshot, name: string): AskingFilters | { readonly problem: string } {
  const named = snapshot.meshConfig.extensionProviders.filter((provider) => provider.name === name);
  const [provider] = named;
  if (!provider) return { problem: `the mesh configuration has no extension provider ${JSON.stringify(name)}` };
  if (named.length > 1) return { problem: `the mesh configuration has several extension providers ${JSON.stringify(name)}` };
  const settings = provider.envoyExtAuthzHttp ?? provider.envoyExtAuthzGrpc;
  if (!settings) return { problem: `the extension provider ${JSON.stringify(name)} is no external authorizer` };
  const host = serviceHost(snapshot, settings.service);
  if (host === undefined) return { problem: `the service ${JSON.stringify(settings.service)} of the extension provider ${JSON.stringify(name)} does not exist` };
  const unusable = provider.envoyExtAuthzHttp ? unusableField(provider.envoyExtAuthzHttp) : undefined;
  if (unusable !== undefined) return { problem: `${unusable} of the extension provider ${JSON.stringify(name)} can not be used` };
  if (provider.envoyExtAuthzHttp) return { http: httpAuthorizer(provider.envoyExtAuthzHttp, host, name) };
  return grpcAuthorizer(provider.envoyExtAuthzGrpc ?? { service: '', port: 0 }, host, name);
}

/** The host of `<namespace>/<host>` or `<host>`, which may be short (`auth.foo`); undefined when the registry has none. */
function serviceHost(snapshot: MeshSnapshot, service: string): string | undefined {
  const slash = service.indexOf('/');
  const namespace = slash < 0 ? undefined : service.slice(0, slash);
  const host = service.slice(slash + 1);
  const candidates = new Set([host, `${host}.${snapshot.domain}`, `${host}.svc.${snapshot.domain}`, ...(host.includes('.') ? [] : [`${host}.${namespace ?? snapshot.rootNamespace}.svc.${snapshot.domain}`])]);
  for (const record of snapshot.services.values()) if (candidates.has(record.host) && !record.host.startsWith('*') && (namespace === undefined || record.namespace === namespace)) return record.host;
  return undefined;
}

/** The first field that would make a proxy refuse the whole listener. */
function unusableField(provider: ExtAuthzHttpProvider): string | undefined {
  if (provider.pathPrefix !== undefined && !isPathLiteral(provider.pathPrefix)) return 'pathPrefix';
  const lists = ['includeHeadersInCheck', 'includeRequestHeadersInCheck', 'headersToUpstreamOnAllow', 'headersToDownstreamOnDeny', 'headersToDownstreamOnAllow'] as const;
  const list = lists.find((field) => provider[field]?.some((header) => header.replace(/^\*|\*$/, '') === ''));
  if (list !== undefined) return list;
  const added = Object.entries(provider.includeAdditionalHeadersInCheck ?? {});
  return added.every(([header, value]) => HEADER_NAME.test(header) && header.toLowerCase() !== 'host' && !CONTROL_CHARACTER.test(value)) ? undefined : 'includeAdditionalHeadersInCheck';
}

function httpAuthorizer(provider: ExtAuthzHttpProvider, host: string, name: string): ExtAuthz {
  const allowedHeaders = headerMatchers(provider.includeRequestHeadersInCheck ?? provider.includeHeadersInCheck);
  const headersToAdd = Object.entries(provider.includeAdditionalHeadersInCheck ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]) => ({ key, value }));
  const upstream = headerMatchers(provider.headersToUpstreamOnAllow);
  const onDeny = headerMatchers(provider.headersToDownstreamOnDeny);
  const onAllow = headerMatchers(provider.headersToDownstreamOnAllow);
  const service: HttpService = {
    serverUri: { uri: `http://${host}`, timeout: timeoutOf(provider.timeout), httpUpstreamType: { $case: 'cluster', cluster: outboundClusterName(host, provider.port) } },
    ...(provider.pathPrefix ? { pathPrefix: provider.pathPrefix } : {}),
    ...(allowedHeaders || headersToAdd.length > 0 ? { authorizationRequest: { ...(allowedHeaders ? { allowedHeaders } : {}), headersToAdd } } : {}),
    ...(upstream ?? onDeny ?? onAllow ? {
      authorizationResponse: { ...(upstream ? { allowedUpstreamHeaders: upstream } : {}), ...(onDeny ? { allowedClientHeaders: onDeny } : {}), ...(onAllow ? { allowedClientHeadersOnSuccess: onAllow } : {}) },
    } : {}),
  };
  return { ...shared(provider, name), services: { $case: 'httpService', httpService: service } };
}

function grpcAuthorizer(provider: ExtAuthzGrpcProvider, host: string, name: string): AskingFilters {
  const cluster = outboundClusterName(host, provider.port);
  const grpcService: GrpcService = {
    // A bar is no character of an authority.
    targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: cluster, authority: cluster.replaceAll('|', '_.') } },
    timeout: timeoutOf(provider.timeout),
  };
  return {
    http: { ...shared(provider, name), services: { $case: 'grpcService', grpcService } },
    tcp: { statPrefix: 'tcp.', grpcService, failureModeAllow: provider.failOpen ?? false, transportApiVersion: ApiVersion.V3, filterEnabledMetadata: enabledBy('envoy.filters.network.rbac', name) },
  };
}

function shared(provider: ExtAuthzGrpcProvider, name: string): ExtAuthz {
  const status = Number(provider.statusOnError ?? 0);
  const body = provider.includeRequestBodyInCheck;
  const withRequestBody: BufferSettings | undefined = body?.maxRequestBytes ? { maxRequestBytes: body.maxRequestBytes, allowPartialMessage: body.allowPartialMessage ?? false, packAsBytes: body.packAsBytes ?? false } : undefined;
  return {
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: provider.failOpen ?? false,
    ...(provider.clearRouteCache ? { clearRouteCache: true } : {}),
    ...(status > 0 ? { statusOnError: { code: status as NonNullable<HttpStatus['code']> } } : {}),
    ...(withRequestBody ? { withRequestBody } : {}),
    filterEnabledMetadata: enabledBy('envoy.filters.http.rbac', name),
  };
}

/** The filter asks when a policy of the provider matched. */
function enabledBy(filter: string, provider: string): MetadataMatcher {
  return {
    filter,
    path: [{ segment: { $case: 'key', key: `${CUSTOM_STAT_PREFIX}shadow_effective_policy_id` } }],
    value: { matchPattern: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'prefix', prefix: providerPrefix(provider) } } } },
  };
}

function timeoutOf(text: string | undefined): { seconds?: number | undefined; nanos?: number | undefined } {
  return durationOf(text) ?? milliseconds(DEFAULT_MILLISECONDS);
}

/** Names of headers, `prefix*` and `*suffix` among them, without regard to case. */
function headerMatchers(names: readonly string[] | undefined): ListStringMatcher | undefined {
  if (!names?.length) return undefined;
  return {
    patterns: names.map((name) => {
      if (name.startsWith('*')) return { ignoreCase: true, matchPattern: { $case: 'suffix', suffix: name.slice(1) } };
      if (name.endsWith('*')) return { ignoreCase: true, matchPattern: { $case: 'prefix', prefix: name.slice(0, -1) } };
      return { ignoreCase: true, matchPattern: { $case: 'exact', exact: name } };
    }),
  };
}
