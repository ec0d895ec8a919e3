// RequestAuthentications of a workload as Envoy's JWT filter, in Istio's form: providers `origins-<n>`, the payload under `payload`. A token that is there must be
// good, none at all passes: who must bring one is said by AuthorizationPolicies.
import { isUsableKey, keysOf } from '../../../shared/api/security/key-set-shape.ts';
import type { JwtRule } from '../../../shared/api/security/request-authentication.ts';
import type { JwtAuthentication, JwtProvider, JwtRequirement } from '../../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { keySetSource } from '../../model/key-sets.ts';
import { policiesFor, type SelectedWorkload } from '../../model/policy-selection.ts';
import type { MeshSnapshot, RequestAuthenticationRecord } from '../../model/snapshot.ts';

/** Name of the filter, under which metadata has its findings. */
export const JWT_FILTER = 'envoy.filters.http.jwt_authn';
/** Key of a token's claims in that metadata. */
export const JWT_PAYLOAD = 'payload';

// A public key whose private half was never kept: whatever a token says, nobody can have signed it. Stands for keys that could not be fetched.
const NOBODYS_KEY = JSON.stringify({ keys: [{ kty: 'RSA', e: 'AQAB', n: 'tk1hyDRQ5cmu0AOyQ0euvMrgvz0y1Q0o1c91xPaYl2QfR2JK1z44vQgmiEGzixUvYjkfnOUOkz37KA7acuH6cIZJPa0bbozpAK7WqP5Ych2dYsmAxexXeuHPGAbvtRkXXq1aQVo6Dx7pd_cKawhmlSIHIcGub60qUffrqcJEPZkw_gf48nHyELolqsQmvTBkVbtjYYOByZMrukVb53fzPE3XM2pFmFWCzZl4-NqfJ36iL91YXox6_sct1bFNktcoDH_fcZZ8oIs4YhntmLISuSBDbhE7SHdzBRbKk_gPDckwrB0_5Re34CNEsh2OcZgBBl7ZJQbfAnRuHTCXT6VusQ' }] });

/** The RequestAuthentications of a workload: its namespace's before the mesh's. */
export function requestAuthenticationsFor(snapshot: Pick<MeshSnapshot, 'requestAuthentications' | 'rootNamespace'>, workload: SelectedWorkload): readonly RequestAuthenticationRecord[] {
  const own = policiesFor(snapshot.requestAuthentications, snapshot.rootNamespace, workload);
  return [...own.filter(({ namespace }) => namespace === workload.namespace), ...own.filter(({ namespace }) => namespace !== workload.namespace)];
}

/** The filter's configuration; undefined when no token is asked about. With `clearRouteCache` routes are chosen again by what a token says. */
export function jwtAuthentication(records: readonly RequestAuthenticationRecord[], keySets: MeshSnapshot['keySets'], clearRouteCache: boolean): JwtAuthentication | undefined {
  const rules = records.flatMap(({ spec }) => spec.jwtRules ?? []).sort((left, right) => ((left.issuer ?? '') < (right.issuer ?? '') ? -1 : (left.issuer ?? '') > (right.issuer ?? '') ? 1 : 0));
  if (rules.length === 0) return undefined;
  const names = rules.map((_rule, index) => `origins-${index}`);
  return {
    providers: Object.fromEntries(rules.map((rule, index) => [names[index], provider(rule, keySets, clearRouteCache)])),
    rules: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, requirementType: { $case: 'requires', requires: requirement(names) } }],
    bypassCorsPreflight: true,
  };
}

function anyOf(requirements: JwtRequirement[]): JwtRequirement {
  return { requiresType: { $case: 'requiresAny', requiresAny: { requirements } } };
}

/** One provider alone: its token or none. Of several: a good token of any, or everywhere a good one or none, as providers may look in the same places. */
function requirement(names: readonly string[]): JwtRequirement {
  const named = names.map((providerName): JwtRequirement => ({ requiresType: { $case: 'providerName', providerName } }));
  const orMissing = named.map((one) => anyOf([one, { requiresType: { $case: 'allowMissing', allowMissing: {} } }]));
  const [first] = orMissing;
  if (first && orMissing.length === 1) return first;
  return anyOf([...named, { requiresType: { $case: 'requiresAll', requiresAll: { requirements: orMissing } } }]);
}

/** A set without a key that can be used would make Envoy refuse the listener. */
function keysFor(rule: JwtRule, keySets: MeshSnapshot['keySets']): string {
  const source = keySetSource(rule);
  const keys = source ? keySets.get(source.key) : rule.jwks;
  return keys !== undefined && keysOf(keys)?.some(isUsableKey) ? keys : NOBODYS_KEY;
}

function provider(rule: JwtRule, keySets: MeshSnapshot['keySets'], clearRouteCache: boolean): JwtProvider {
  return {
    issuer: rule.issuer ?? '',
    audiences: [...(rule.audiences ?? [])],
    forward: rule.forwardOriginalToken ?? false,
    forwardPayloadHeader: rule.outputPayloadToHeader ?? '',
    payloadInMetadata: JWT_PAYLOAD,
    normalizePayloadInMetadata: { spaceDelimitedClaims: [...new Set([...(rule.spaceDelimitedClaims ?? []), 'permission', 'scope'])].sort() },
    claimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    fromHeaders: (rule.fromHeaders ?? []).map(({ name, prefix }) => ({ name, ...(prefix ? { valuePrefix: prefix } : {}) })),
    fromParams: [...(rule.fromParams ?? [])],
    fromCookies: [...(rule.fromCookies ?? [])],
    jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString: keysFor(rule, keySets) } } },
    ...(clearRouteCache ? { clearRouteCache } : {}),
  };
}
