// Global rate limits: the filter (envoy.extensions.filters.http.ratelimit.v3), its settings of a route, and the rate limit actions of routes and virtual hosts.
import { HeaderValueOption_HeaderAppendAction as Append, type HeaderValueOption } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { RateLimit as RateLimitEntry, RateLimit_Action, RateLimit_Override } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import {
  RateLimit_XRateLimitHeadersRFCVersion as HeaderVersion, RateLimitPerRoute_VhRateLimitsOptions as HostLimits, type RateLimit, type RateLimitConfig as PerRouteEntry, type RateLimitPerRoute,
} from '../../shared/xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit.ts';
import type { MetadataKey } from '../../shared/xds/generated/envoy/type/metadata/v3/metadata.ts';
import type { Findings } from './findings.ts';
import { headerMutations } from './header-mutations.ts';
import { headerMatches, queryMatches } from './matchers.ts';
import type { MetadataKeyConfig, RateLimitActionConfig, RateLimitConfig, RateLimitFilterConfig, RateLimitRouteConfig } from './rate-limit-config.ts';
import { checkApiVersion, grpcService } from './services.ts';

/** Envoy's limit for an answer of the service. */
const DEFAULT_MILLISECONDS = 20;
const MAXIMUM_STAGE = 10;

/** The filter's configuration. */
export function rateLimit(message: RateLimit, path: string, findings: Findings): RateLimitFilterConfig {
  const at = `${path}.rate_limit_service`;
  const { requestType = '', rateLimitService } = message;
  if (!message.domain) findings.refuse(`${path}.domain`, 'A domain is needed.');
  if (!['', 'internal', 'external', 'both'].includes(requestType)) findings.refuse(`${path}.request_type`, 'Use internal, external or both.');
  if (!rateLimitService) findings.refuse(at, 'A rate limit service is needed.');
  checkApiVersion(rateLimitService?.transportApiVersion, `${at}.transport_api_version`, findings);
  const service = grpcService({ ...rateLimitService?.grpcService, timeout: message.timeout }, `${at}.grpc_service`, findings, DEFAULT_MILLISECONDS);
  return {
    kind: 'ratelimit',
    domain: message.domain ?? '',
    stage: stageOf(message.stage, `${path}.stage`, findings),
    requestType: requestType === 'internal' || requestType === 'external' ? requestType : 'both',
    service,
    failureModeDeny: message.failureModeDeny ?? false,
    asResourceExhausted: message.rateLimitedAsResourceExhausted ?? false,
    xRateLimitHeaders: message.enableXRatelimitHeaders === HeaderVersion.DRAFT_VERSION_03,
    disableXEnvoyRateLimitedHeader: message.disableXEnvoyRatelimitedHeader ?? false,
    ...statusesOf(message),
    responseAdd: headerMutations({ responseHeadersToAdd: (message.responseHeadersToAdd ?? []).map(asWritten) }, path, findings).responseAdd,
    statPrefix: message.statPrefix ?? '',
  };
}

/** A status that is no error becomes 429. */
function statusesOf({ rateLimitedStatus, statusOnError }: RateLimit): Pick<RateLimitFilterConfig, 'limitedStatus' | 'statusOnError'> {
  const limited = rateLimitedStatus?.code ?? 429;
  return { limitedStatus: limited < 400 || limited > 599 ? 429 : limited, statusOnError: statusOnError?.code || 500 };
}

function asWritten(option: HeaderValueOption): HeaderValueOption {
  return { appendAction: Append.APPEND_IF_EXISTS_OR_ADD, ...option };
}

function stageOf(stage: number | undefined, path: string, findings: Findings): number {
  if ((stage ?? 0) > MAXIMUM_STAGE) findings.refuse(path, `A stage is a number from 0 to ${MAXIMUM_STAGE}.`);
  return stage ?? 0;
}

/** The settings of a route. */
export function rateLimitPerRoute(message: RateLimitPerRoute, path: string, findings: Findings): RateLimitRouteConfig {
  findings.refuseFields(message, path, ['overrideOption']);
  return {
    kind: 'ratelimit',
    virtualHostLimits: message.vhRateLimits === HostLimits.INCLUDE ? 'include' : message.vhRateLimits === HostLimits.IGNORE ? 'ignore' : 'override',
    rateLimits: rateLimits(message.rateLimits, `${path}.rate_limits`, findings),
    domain: message.domain ?? '',
  };
}

/** The rate limits of a route or virtual host. */
export function rateLimits(messages: readonly (RateLimitEntry | PerRouteEntry)[] | undefined, path: string, findings: Findings): readonly RateLimitConfig[] {
  return (messages ?? []).map((message, index) => {
    const at = `${path}[${index}]`;
    // Keys of a runtime, which this proxy does not have.
    findings.ignoreFields<RateLimitEntry | PerRouteEntry>(message, at, ['disableKey']);
    if (!message.actions?.length) findings.refuse(`${at}.actions`, 'An action is needed.');
    return {
      stage: stageOf(message.stage, `${at}.stage`, findings),
      actions: (message.actions ?? []).flatMap((action, place) => actionOf(action as RateLimit_Action, `${at}.actions[${place}]`, findings)),
      limit: limitOf(message.limit, `${at}.limit`, findings),
    };
  });
}

function limitOf(limit: RateLimit_Override | undefined, path: string, findings: Findings): MetadataKeyConfig | null {
  const key = limit?.overrideSpecifier?.dynamicMetadata.metadataKey;
  return limit ? metadataKey(key, `${path}.dynamic_metadata.metadata_key`, findings) : null;
}

function metadataKey(key: MetadataKey | undefined, path: string, findings: Findings): MetadataKeyConfig {
  const keys = (key?.path ?? []).map(({ segment }) => segment?.key ?? '');
  if (!key?.key) findings.refuse(`${path}.key`, 'The name of a filter is needed.');
  if (keys.length === 0 || keys.includes('')) findings.refuse(`${path}.path`, 'A path of keys is needed.');
  return { filter: key?.key ?? '', path: keys };
}

function actionOf(message: RateLimit_Action, path: string, findings: Findings): readonly RateLimitActionConfig[] {
  const form = message.actionSpecifier;
  switch (form?.$case) {
    case 'sourceCluster': return [{ kind: 'source_cluster' }];
    case 'destinationCluster': return [{ kind: 'destination_cluster' }];
    case 'remoteAddress': return [{ kind: 'remote_address' }];
    case 'requestHeaders': {
      const { headerName = '', descriptorKey, skipIfAbsent = false } = form.requestHeaders;
      const name = headerName.toLowerCase();
      return [{ kind: 'request_headers', name: needed(name, `${path}.request_headers.header_name`, findings), key: needed(descriptorKey, `${path}.request_headers.descriptor_key`, findings), skipIfAbsent }];
    }
    case 'genericKey': return [{ kind: 'generic_key', key: form.genericKey.descriptorKey || 'generic_key', value: needed(form.genericKey.descriptorValue, `${path}.generic_key.descriptor_value`, findings) }];
    case 'maskedRemoteAddress': return [{ kind: 'masked_remote_address', version4Bits: form.maskedRemoteAddress.v4PrefixMaskLen ?? 32, version6Bits: form.maskedRemoteAddress.v6PrefixMaskLen ?? 128 }];
    default: return testOf(message, path, findings);
  }
}

/** Actions that look at more than one value. */
function testOf(message: RateLimit_Action, path: string, findings: Findings): readonly RateLimitActionConfig[] {
  const form = message.actionSpecifier;
  switch (form?.$case) {
    case 'headerValueMatch': {
      const { descriptorKey, descriptorValue, expectMatch = true, headers } = form.headerValueMatch;
      const at = `${path}.header_value_match`;
      return [{ kind: 'header_value_match', key: descriptorKey || 'header_match', value: needed(descriptorValue, `${at}.descriptor_value`, findings), expectMatch, headers: headerMatches(headers, `${at}.headers`, findings) }];
    }
    case 'queryParameterValueMatch': {
      const { descriptorKey, descriptorValue, expectMatch = true, queryParameters } = form.queryParameterValueMatch;
      const at = `${path}.query_parameter_value_match`;
      return [{ kind: 'query_parameter_value_match', key: descriptorKey || 'query_match', value: needed(descriptorValue, `${at}.descriptor_value`, findings), expectMatch, parameters: queryMatches(queryParameters, `${at}.query_parameters`, findings) }];
    }
    case 'dynamicMetadata': {
      const at = `${path}.dynamic_metadata`;
      return [{ kind: 'metadata', key: needed(form.dynamicMetadata.descriptorKey, `${at}.descriptor_key`, findings), metadata: metadataKey(form.dynamicMetadata.metadataKey, `${at}.metadata_key`, findings), defaultValue: form.dynamicMetadata.defaultValue ?? '', skipIfAbsent: false }];
    }
    case 'metadata': {
      const { descriptorKey, metadataKey: key, defaultValue = '', source, skipIfAbsent = false } = form.metadata;
      const at = `${path}.metadata`;
      if ((source ?? 0) !== 0) findings.refuse(`${at}.source`, 'Metadata of routes is not read by this proxy. Use DYNAMIC.');
      return [{ kind: 'metadata', key: needed(descriptorKey, `${at}.descriptor_key`, findings), metadata: metadataKey(key, `${at}.metadata_key`, findings), defaultValue, skipIfAbsent }];
    }
    default:
      findings.refuse(path, 'This rate limit action is not supported by this proxy.');
      return [];
  }
}

function needed(text: string | undefined, path: string, findings: Findings): string {
  if (!text) findings.refuse(path, 'A value is needed.');
  return text ?? '';
}
