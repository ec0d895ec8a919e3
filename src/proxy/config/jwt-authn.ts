// The JWT filter's configuration (envoy.extensions.filters.http.jwt_authn.v3). What cannot be enforced as written refuses the listener.
import { isConnectionHeader } from '../../shared/lib/index.ts';
import type { HttpUri } from '../../shared/xds/generated/envoy/config/core/v3/http_uri.ts';
import type { JwtAuthentication, JwtProvider, JwtRequirement, PerRouteConfig, RemoteJwks } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import type { Findings } from './findings.ts';
import type { JwtAuthnConfig, JwtProviderConfig, JwtRequirementConfig, JwtRouteConfig, RemoteJwksConfig } from './jwt-authn-config.ts';
import { stringMatch } from './matchers.ts';
import { routeMatch } from './route-match.ts';
import { inlineText, milliseconds } from './values.ts';
import { isHeaderName } from './wire-text.ts';

type Providers = Readonly<Record<string, JwtProviderConfig>>;

/** The filter. */
export function jwtAuthn(message: JwtAuthentication, path: string, findings: Findings): JwtAuthnConfig {
  findings.refuseFields(message, path, ['filterStateRules']);
  const providers: Providers = Object.fromEntries(Object.entries(message.providers ?? {}).map(([name, provider]) => [name, providerOf(provider, `${path}.providers[${JSON.stringify(name)}]`, findings)]));
  const requirements = Object.fromEntries(Object.entries(message.requirementMap ?? {}).map(([name, requirement]) => [name, requirementOf(requirement, `${path}.requirement_map[${JSON.stringify(name)}]`, providers, findings)]));
  const rules = (message.rules ?? []).map((rule, index) => {
    const at = `${path}.rules[${index}]`;
    const form = rule.requirementType;
    const named = form?.$case === 'requirementName' ? requirements[form.requirementName] : undefined;
    if (form?.$case === 'requirementName' && !named) findings.refuse(`${at}.requirement_name`, `There is no requirement ${JSON.stringify(form.requirementName)} in requirement_map.`);
    return { match: routeMatch(rule.match ?? {}, `${at}.match`, findings), requires: form?.$case === 'requires' ? requirementOf(form.requires, `${at}.requires`, providers, findings) : named ?? { kind: 'nothing' as const } };
  });
  return { kind: 'jwt_authn', providers, rules, requirements, bypassCorsPreflight: message.bypassCorsPreflight ?? false, stripFailureResponse: message.stripFailureResponse ?? false };
}

/** A route's choice. */
export function jwtRoute(message: PerRouteConfig, path: string, findings: Findings): JwtRouteConfig | { readonly disabled: true } | null {
  const form = message.requirementSpecifier;
  if (form?.$case === 'disabled') {
    if (!form.disabled) findings.refuse(`${path}.disabled`, 'Only true is allowed here.');
    return { disabled: true };
  }
  return form ? { kind: 'jwt_authn_route', requirement: form.requirementName } : null;
}

function requirementOf(message: JwtRequirement, path: string, providers: Providers, findings: Findings): JwtRequirementConfig {
  const form = message.requiresType;
  const provider = (name: string, audiences: readonly string[] | null): JwtRequirementConfig => {
    if (!providers[name]) findings.refuse(path, `There is no provider ${JSON.stringify(name)}.`);
    return { kind: 'provider', provider: name, audiences };
  };
  const all = (list: readonly JwtRequirement[] | undefined, field: string): readonly JwtRequirementConfig[] => {
    if ((list?.length ?? 0) < 2) findings.refuse(`${path}.${field}.requirements`, 'At least two requirements are needed.');
    return (list ?? []).map((inner, index) => requirementOf(inner, `${path}.${field}.requirements[${index}]`, providers, findings));
  };
  switch (form?.$case) {
    case undefined: return { kind: 'nothing' };
    case 'providerName': return provider(form.providerName, null);
    case 'providerAndAudiences': return provider(form.providerAndAudiences.providerName ?? '', form.providerAndAudiences.audiences?.length ? form.providerAndAudiences.audiences : null);
    case 'requiresAny': return { kind: 'any', requirements: all(form.requiresAny.requirements, 'requires_any') };
    case 'requiresAll': return { kind: 'all', requirements: all(form.requiresAll.requirements, 'requires_all') };
    case 'allowMissing': return { kind: 'allow_missing' };
    case 'allowMissingOrFailed': return { kind: 'allow_missing_or_failed' };
  }
}

function providerOf(message: JwtProvider, path: string, findings: Findings): JwtProviderConfig {
  return { ...claimRules(message, path, findings), keys: keysOf(message, path, findings), ...tokenPlaces(message, path, findings), ...outputs(message, path, findings), cacheSize: message.jwtCacheConfig?.jwtCacheSize || 100 };
}

function claimRules(message: JwtProvider, path: string, findings: Findings): Pick<JwtProviderConfig, 'issuer' | 'audiences' | 'subjects' | 'requireExpiration' | 'maximumLifetimeSeconds' | 'clockSkewSeconds'> {
  return {
    issuer: message.issuer ?? '',
    audiences: message.audiences ?? [],
    subjects: message.subjects ? stringMatch(message.subjects, `${path}.subjects`, findings) : null,
    requireExpiration: message.requireExpiration ?? false,
    maximumLifetimeSeconds: message.maxLifetime ? milliseconds(message.maxLifetime, 0) / 1000 : null,
    clockSkewSeconds: message.clockSkewSeconds || 60,
  };
}

function keysOf({ jwksSourceSpecifier: source }: JwtProvider, path: string, findings: Findings): JwtProviderConfig['keys'] {
  if (source?.$case === 'remoteJwks') return remoteOf(source.remoteJwks, `${path}.remote_jwks`, findings);
  if (!source) findings.refuse(path, 'A provider needs remote_jwks or local_jwks.');
  return { kind: 'local', jwks: inlineText(source?.localJwks, `${path}.local_jwks`, findings) };
}

function tokenPlaces(message: JwtProvider, path: string, findings: Findings): Pick<JwtProviderConfig, 'forward' | 'fromHeaders' | 'fromParameters' | 'fromCookies'> {
  return {
    forward: message.forward ?? false,
    fromHeaders: (message.fromHeaders ?? []).map(({ name, valuePrefix }, index) => ({ name: headerName(name, `${path}.from_headers[${index}].name`, findings), prefix: valuePrefix ?? '' })),
    fromParameters: message.fromParams ?? [],
    fromCookies: message.fromCookies ?? [],
  };
}

type Outputs = Pick<JwtProviderConfig, 'forwardPayloadHeader' | 'padForwardPayloadHeader' | 'payloadInMetadata' | 'headerInMetadata' | 'failedStatusInMetadata' | 'spaceDelimitedClaims' | 'claimToHeaders' | 'clearRouteCache'>;

function outputs(message: JwtProvider, path: string, findings: Findings): Outputs {
  return {
    forwardPayloadHeader: message.forwardPayloadHeader ? outputName(message.forwardPayloadHeader, `${path}.forward_payload_header`, findings) : '',
    padForwardPayloadHeader: message.padForwardPayloadHeader ?? false,
    payloadInMetadata: message.payloadInMetadata ?? '',
    headerInMetadata: message.headerInMetadata ?? '',
    failedStatusInMetadata: message.failedStatusInMetadata ?? '',
    spaceDelimitedClaims: message.normalizePayloadInMetadata?.spaceDelimitedClaims ?? [],
    claimToHeaders: (message.claimToHeaders ?? []).map(({ headerName: header, claimName }, index) => ({ header: outputName(header, `${path}.claim_to_headers[${index}].header_name`, findings), claim: claimName ?? '' })),
    clearRouteCache: message.clearRouteCache ?? false,
  };
}

function headerName(name: string | undefined, path: string, findings: Findings): string {
  const lower = (name ?? '').toLowerCase();
  if (!isHeaderName(lower)) findings.refuse(path, `${JSON.stringify(name ?? '')} is not the name of a header.`);
  return lower;
}

function outputName(name: string | undefined, path: string, findings: Findings): string {
  const lower = headerName(name, path, findings);
  if (lower === 'host' || isConnectionHeader(lower)) findings.refuse(path, `Header ${JSON.stringify(lower)} frames the message or says where it goes, and can not be written from a token.`);
  return lower;
}

function remoteOf(message: RemoteJwks, path: string, findings: Findings): RemoteJwksConfig {
  const { retryPolicy, asyncFetch } = message;
  if (asyncFetch) findings.ignoreFields(asyncFetch, `${path}.async_fetch`, ['fastListener']);
  if (retryPolicy) findings.ignoreFields(retryPolicy, `${path}.retry_policy`, ['retryOn', 'retryPriority', 'retryHostPredicate', 'hostSelectionRetryMaxAttempts']);
  const base = milliseconds(retryPolicy?.retryBackOff?.baseInterval, 1000);
  return {
    kind: 'remote',
    ...target(message.httpUri, `${path}.http_uri`, findings),
    cacheMilliseconds: milliseconds(message.cacheDuration, 600_000),
    early: asyncFetch !== undefined,
    failedRefetchMilliseconds: milliseconds(asyncFetch?.failedRefetchDuration, 1000),
    retries: retryPolicy ? retryPolicy.numRetries ?? 1 : 0,
    backoffBaseMilliseconds: base,
    backoffMaximumMilliseconds: milliseconds(retryPolicy?.retryBackOff?.maxInterval, base * 10),
  };
}

function target(message: HttpUri | undefined, path: string, findings: Findings): Pick<RemoteJwksConfig, 'cluster' | 'authority' | 'path' | 'scheme' | 'timeoutMilliseconds'> {
  const uri = /^(https?):\/\/([^/?#\s@]+)([^#\s]*)$/.exec(message?.uri ?? '');
  const cluster = message?.httpUpstreamType?.cluster ?? '';
  if (!uri) findings.refuse(`${path}.uri`, `${JSON.stringify(message?.uri ?? '')} is not an http or https address.`);
  if (cluster === '') findings.refuse(`${path}.cluster`, 'A cluster name is needed.');
  const [, scheme = 'http', authority = '', rest = ''] = uri ?? [];
  return { cluster, authority, path: rest.startsWith('/') ? rest : `/${rest}`, scheme, timeoutMilliseconds: milliseconds(message?.timeout, 5000) };
}
