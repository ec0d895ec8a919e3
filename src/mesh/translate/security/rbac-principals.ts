// Who: the sources and the source conditions of AuthorizationPolicy rules as Envoy principals.
import type { PolicyCondition, Source } from '../../../shared/api/security/authorization-policy.ts';
import type { Principal } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { MetadataMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { StringMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import { claimMember, claimText } from './claim-matchers.ts';
import { allPrincipals, anyPrincipal, cidrRange, headerMatcher, notPrincipal, quoteRegex, valueMatcher } from './rbac-values.ts';

/** What rules are read with. */
export interface RuleContext {
  readonly trustDomains: readonly string[];
  /** Namespace of the policy: a bare service account name means one in it. */
  readonly namespace: string;
  /** TCP has no requests: attributes of requests can not be matched. */
  readonly tcp: boolean;
}

/** A principal, or `unsupported` when it asks for what TCP lacks. */
export type Matched<T> = T | 'unsupported';

function authenticated(matcher: StringMatcher): Principal {
  return { identifier: { $case: 'authenticated', authenticated: { principalName: matcher } } };
}

function identityRegex(regex: string): Principal {
  return authenticated({ matchPattern: { $case: 'safeRegex', safeRegex: { regex } } });
}

/** A principal of the mesh's trust domain holds for its aliases too. */
function principalIds(value: string, { trustDomains }: RuleContext): Principal[] {
  const [own = 'cluster.local', ...aliases] = trustDomains;
  const known = [own, ...aliases].find((domain) => value.startsWith(`${domain}/`)) ?? (value.startsWith('cluster.local/') ? 'cluster.local' : undefined);
  if (known === undefined) return [authenticated(valueMatcher(value, 'spiffe://'))];
  return [...new Set([own, ...aliases].map((domain) => `${domain}${value.slice(known.length)}`))].map((name) => authenticated(valueMatcher(name, 'spiffe://')));
}

function wildcardRegex(value: string): string {
  return value === '*' ? '[^/]+' : value.split('*').map(quoteRegex).join('[^/]*');
}

function namespaceId(value: string): Principal {
  return identityRegex(`.*/ns/${wildcardRegex(value)}/.*`);
}

function serviceAccountId(value: string, context: RuleContext): Principal {
  const [namespace = '', account] = value.includes('/') ? value.split('/') : [context.namespace, value];
  return identityRegex(`spiffe://[^/]+/ns/${quoteRegex(namespace)}/sa/${wildcardRegex(account ?? '')}`);
}

function trustDomainId(value: string): Principal {
  return identityRegex(`spiffe://${wildcardRegex(value)}/.*`);
}

function metadataId(metadata: MetadataMatcher): Principal {
  return { identifier: { $case: 'metadata', metadata } };
}

/** Issuer and subject of a token, `<iss>/<sub>`; the last slash parts them, as an issuer may be an address. A wildcard stands at one end alone. */
function requestPrincipalId(value: string): Principal {
  const slash = value.lastIndexOf('/');
  const wildcard = value.startsWith('*') || value.endsWith('*');
  const [issuer, subject] = slash >= 0 ? [value.slice(0, slash), value.slice(slash + 1)] : value.startsWith('*') ? ['*', value] : wildcard ? [value, '*'] : [value, ''];
  return allPrincipals([metadataId(claimText('iss', valueMatcher(issuer))), metadataId(claimText('sub', valueMatcher(subject)))]);
}

function claimId(claims: readonly string[], value: string): Principal {
  return metadataId(claimMember(claims, valueMatcher(value)));
}

type Reader = (value: string, context: RuleContext) => Principal[];
interface Attribute {
  readonly read: Reader;
  readonly httpOnly?: boolean;
}

const directIp: Attribute = { read: (value) => [{ identifier: { $case: 'directRemoteIp', directRemoteIp: cidrRange(value) } }] };
const remoteIp: Attribute = { read: (value) => [{ identifier: { $case: 'remoteIp', remoteIp: cidrRange(value) } }], httpOnly: true };
const principal: Attribute = { read: principalIds };
const requestPrincipal: Attribute = { read: (value) => [requestPrincipalId(value)], httpOnly: true };
const namespace: Attribute = { read: (value) => [namespaceId(value)] };
const serviceAccount: Attribute = { read: (value, context) => [serviceAccountId(value, context)] };
const trustDomain: Attribute = { read: (value) => [trustDomainId(value)] };

const SOURCE_FIELDS = [
  ['principals', 'notPrincipals', principal],
  ['requestPrincipals', 'notRequestPrincipals', requestPrincipal],
  ['namespaces', 'notNamespaces', namespace],
  ['serviceAccounts', 'notServiceAccounts', serviceAccount],
  ['ipBlocks', 'notIpBlocks', directIp],
  ['remoteIpBlocks', 'notRemoteIpBlocks', remoteIp],
  ['trustDomains', 'notTrustDomains', trustDomain],
] as const satisfies readonly (readonly [keyof Source, keyof Source, Attribute])[];

/** The principal of a source: all its fields. On TCP an attribute of requests is `drop`ped (wider) or makes the rule unsupported. */
export function sourcePrincipal(source: Source, context: RuleContext, drop: boolean): Matched<Principal> {
  const parts: Principal[] = [];
  for (const [field, negative, attribute] of SOURCE_FIELDS) {
    const part = attributePrincipals(attribute, source[field], source[negative], context);
    if (part === 'unsupported') {
      if (drop) continue;
      return part;
    }
    parts.push(...part);
  }
  return allPrincipals(parts);
}

function attributePrincipals(attribute: Attribute, values: readonly string[] = [], notValues: readonly string[] = [], context: RuleContext): Matched<Principal[]> {
  if (values.length + notValues.length > 0 && attribute.httpOnly && context.tcp) return 'unsupported';
  const parts: Principal[] = [];
  if (values.length > 0) parts.push(anyPrincipal(values.flatMap((value) => attribute.read(value, context))));
  if (notValues.length > 0) parts.push(notPrincipal(anyPrincipal(notValues.flatMap((value) => attribute.read(value, context)))));
  return parts;
}

const CONDITION_ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  'source.ip': directIp,
  'remote.ip': remoteIp,
  'source.namespace': namespace,
  'source.principal': principal,
  'source.serviceAccount': serviceAccount,
  'source.trustDomain': trustDomain,
  'request.auth.principal': requestPrincipal,
  'request.auth.audiences': { read: (value) => [claimId(['aud'], value)], httpOnly: true },
  'request.auth.presenter': { read: (value) => [claimId(['azp'], value)], httpOnly: true },
};

function conditionAttribute(key: string): Attribute | undefined {
  const known = CONDITION_ATTRIBUTES[key];
  if (known) return known;
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  if (header !== undefined) return { read: (value) => [{ identifier: { $case: 'header', header: headerMatcher(header, value) } }], httpOnly: true };
  const claims = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key)?.[1];
  if (claims === undefined) return undefined;
  const path = [...claims.matchAll(/\[([^\]]+)\]/g)].map((match) => match[1] ?? '');
  return { read: (value) => [claimId(path, value)], httpOnly: true };
}

/** The principal of a condition about the source; undefined when the condition is not about the source. */
export function conditionPrincipal(condition: PolicyCondition, context: RuleContext): Matched<Principal> | undefined {
  const attribute = conditionAttribute(condition.key);
  if (!attribute) return undefined;
  const parts = attributePrincipals(attribute, condition.values, condition.notValues, context);
  return parts === 'unsupported' ? parts : allPrincipals(parts);
}
