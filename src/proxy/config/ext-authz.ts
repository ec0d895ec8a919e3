// The external authorization filter (envoy.extensions.filters.http.ext_authz.v3), with Envoy's defaults.
import type {
  BufferSettings, ExtAuthz, ExtAuthzPerRoute, HttpService,
} from '../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import type { ExtAuthz as NetworkExtAuthz } from '../../shared/xds/generated/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts';
import type { HeaderValue } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { ListStringMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import type { CheckBodyConfig, ExtAuthzConfig, ExtAuthzRouteConfig, HttpAuthorizationConfig, NetworkExtAuthzConfig } from './ext-authz-config.ts';
import type { Findings } from './findings.ts';
import { headerMutations } from './header-mutations.ts';
import type { StringMatchConfig } from './match-config.ts';
import { stringMatch } from './matchers.ts';
import { metadataMatch } from './metadata-matchers.ts';
import type { HeaderAddConfig } from './route-config.ts';
import { checkApiVersion, grpcService, mutationRules } from './services.ts';
import { milliseconds, runtimePerMillion } from './values.ts';
import { pathLiteral } from './wire-text.ts';

/** Envoy's limit for an answer of the service. */
const DEFAULT_MILLISECONDS = 200;
const exactly = (value: string): StringMatchConfig => ({ kind: 'exact', value, ignoreCase: false });
/** What an HTTP service is always told. */
const ALWAYS_TOLD = ['authorization', ':method', ':path', ':authority', 'host'].map(exactly);
/** What the client always gets of an HTTP service's refusal. */
const ALWAYS_ANSWERED = [':status', 'content-length', 'www-authenticate', 'location'].map(exactly);

/** The filter's configuration. */
export function extAuthz(message: ExtAuthz, path: string, findings: Findings): ExtAuthzConfig {
  findings.refuseFields(message, path, ['typedMetadataContextNamespaces', 'routeMetadataContextNamespaces', 'routeTypedMetadataContextNamespaces', 'bootstrapMetadataLabelsKey']);
  findings.ignoreFields(message, path, ['chargeClusterResponseStats']);
  checkApiVersion(message.transportApiVersion, `${path}.transport_api_version`, findings);
  const status = message.statusOnError?.code ?? 403;
  if (status < 100 || status > 599) findings.refuse(`${path}.status_on_error.code`, `Status ${status} is not between 100 and 599.`);
  return {
    kind: 'ext_authz',
    service: serviceOf(message, path, findings),
    ...flagsOf(message),
    body: message.withRequestBody ? checkBody(message.withRequestBody, `${path}.with_request_body`, findings) : null,
    packAsBytes: message.withRequestBody?.packAsBytes ?? false,
    statusOnError: status,
    metadataNamespaces: message.metadataContextNamespaces ?? [],
    enabledPerMillion: runtimePerMillion(message.filterEnabled, 1_000_000),
    enabledMetadata: message.filterEnabledMetadata ? metadataMatch(message.filterEnabledMetadata, `${path}.filter_enabled_metadata`, findings) : null,
    denyAtDisable: message.denyAtDisable?.defaultValue ?? false,
    statPrefix: message.statPrefix ?? '',
    allowedHeaders: allowedHeaders(message, path, findings),
    disallowedHeaders: matchers(message.disallowedHeaders, `${path}.disallowed_headers`, findings),
    mutationRules: mutationRules(message.decoderHeaderMutationRules, `${path}.decoder_header_mutation_rules`, findings),
    takesDynamicMetadata: message.enableDynamicMetadataIngestion ?? true,
  };
}

type Flag = 'failureModeAllow' | 'failureModeAllowHeaderAdd' | 'clearRouteCache' | 'validateMutations' | 'includePeerCertificate' | 'includeTlsSession' | 'encodeRawHeaders';

function flagsOf(message: ExtAuthz): Pick<ExtAuthzConfig, Flag> {
  return {
    failureModeAllow: message.failureModeAllow ?? false,
    failureModeAllowHeaderAdd: message.failureModeAllowHeaderAdd ?? false,
    clearRouteCache: message.clearRouteCache ?? false,
    validateMutations: message.validateMutations ?? false,
    includePeerCertificate: message.includePeerCertificate ?? false,
    includeTlsSession: message.includeTlsSession ?? false,
    encodeRawHeaders: message.encodeRawHeaders ?? false,
  };
}

function matchers(list: ListStringMatcher | undefined, path: string, findings: Findings): readonly StringMatchConfig[] {
  return (list?.patterns ?? []).map((pattern, index) => stringMatch(pattern, `${path}.patterns[${index}]`, findings));
}

function allowedHeaders(message: ExtAuthz, path: string, findings: Findings): ExtAuthzConfig['allowedHeaders'] {
  const own = message.allowedHeaders;
  if (message.services?.$case !== 'httpService') return own ? matchers(own, `${path}.allowed_headers`, findings) : null;
  const older = message.services.httpService.authorizationRequest?.allowedHeaders;
  if (own && older) findings.refuse(`${path}.allowed_headers`, 'Only one of allowed_headers and http_service.authorization_request.allowed_headers can be given.');
  return [...ALWAYS_TOLD, ...matchers(older ?? own, older ? `${path}.http_service.authorization_request.allowed_headers` : `${path}.allowed_headers`, findings)];
}

function serviceOf({ services }: ExtAuthz, path: string, findings: Findings): ExtAuthzConfig['service'] {
  if (services?.$case === 'httpService') return httpService(services.httpService, `${path}.http_service`, findings);
  if (!services) findings.refuse(path, 'One of grpc_service and http_service is needed.');
  return { kind: 'grpc', grpc: grpcService(services?.grpcService, `${path}.grpc_service`, findings, DEFAULT_MILLISECONDS) };
}

function httpService(message: HttpService, path: string, findings: Findings): HttpAuthorizationConfig {
  const { serverUri, authorizationRequest, authorizationResponse: answer } = message;
  const upstream = serverUri?.httpUpstreamType;
  if (!upstream?.cluster) findings.refuse(`${path}.server_uri.cluster`, 'A cluster name is needed.');
  const prefix = message.pathPrefix ?? '';
  if (prefix !== '' && !prefix.startsWith('/')) findings.refuse(`${path}.path_prefix`, 'The prefix must begin with a slash.');
  const at = `${path}.authorization_response`;
  const client = answer?.allowedClientHeaders?.patterns?.length ? [...ALWAYS_ANSWERED, ...matchers(answer.allowedClientHeaders, `${at}.allowed_client_headers`, findings)] : null;
  return {
    kind: 'http',
    cluster: upstream?.cluster ?? '',
    timeoutMilliseconds: milliseconds(serverUri?.timeout, DEFAULT_MILLISECONDS),
    pathPrefix: pathLiteral(prefix, `${path}.path_prefix`, findings),
    requestAdd: headersToAdd(authorizationRequest?.headersToAdd, `${path}.authorization_request`, findings),
    upstreamHeaders: matchers(answer?.allowedUpstreamHeaders, `${at}.allowed_upstream_headers`, findings),
    upstreamHeadersToAppend: matchers(answer?.allowedUpstreamHeadersToAppend, `${at}.allowed_upstream_headers_to_append`, findings),
    clientHeaders: client,
    clientHeadersOnSuccess: matchers(answer?.allowedClientHeadersOnSuccess, `${at}.allowed_client_headers_on_success`, findings),
    metadataFromHeaders: matchers(answer?.dynamicMetadataFromHeaders, `${at}.dynamic_metadata_from_headers`, findings),
  };
}

/** They replace those of the request. */
function headersToAdd(list: readonly HeaderValue[] | undefined, path: string, findings: Findings): readonly HeaderAddConfig[] {
  const options = (list ?? []).map((header) => ({ header, append: false }));
  return headerMutations({ requestHeadersToAdd: options }, path, findings).requestAdd;
}

function checkBody({ maxRequestBytes = 0, allowPartialMessage }: BufferSettings, path: string, findings: Findings): CheckBodyConfig {
  if (maxRequestBytes <= 0) findings.refuse(`${path}.max_request_bytes`, 'A number of bytes above 0 is needed.');
  return { maximumBytes: maxRequestBytes, allowPartial: allowPartialMessage ?? false };
}

/** The filter of connections. */
export function networkExtAuthz(message: NetworkExtAuthz, path: string, findings: Findings): NetworkExtAuthzConfig {
  findings.refuseFields(message, path, ['bootstrapMetadataLabelsKey']);
  checkApiVersion(message.transportApiVersion, `${path}.transport_api_version`, findings);
  return {
    kind: 'ext_authz',
    statPrefix: message.statPrefix ?? '',
    grpc: grpcService(message.grpcService, `${path}.grpc_service`, findings, DEFAULT_MILLISECONDS),
    failureModeAllow: message.failureModeAllow ?? false,
    enabledMetadata: message.filterEnabledMetadata ? metadataMatch(message.filterEnabledMetadata, `${path}.filter_enabled_metadata`, findings) : null,
    includePeerCertificate: message.includePeerCertificate ?? false,
    includeTlsSession: message.includeTlsSession ?? false,
  };
}

/** The settings of a route. */
export function extAuthzPerRoute(message: ExtAuthzPerRoute, path: string, findings: Findings): ExtAuthzRouteConfig | { readonly disabled: true } {
  const form = message.override;
  if (form?.$case === 'disabled') {
    if (!form.disabled) findings.refuse(`${path}.disabled`, 'Only true is allowed here.');
    return { disabled: true };
  }
  if (!form) findings.refuse(path, 'One of disabled and check_settings is needed.');
  const settings = form?.checkSettings ?? {};
  if (settings.disableRequestBodyBuffering && settings.withRequestBody) findings.refuse(`${path}.check_settings.with_request_body`, 'It can not be given together with disable_request_body_buffering.');
  return {
    kind: 'ext_authz',
    contextExtensions: settings.contextExtensions ?? {},
    disableBody: settings.disableRequestBodyBuffering ?? false,
    body: settings.withRequestBody ? checkBody(settings.withRequestBody, `${path}.check_settings.with_request_body`, findings) : null,
  };
}
