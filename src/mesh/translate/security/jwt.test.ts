// RequestAuthentications of a workload as the filter that Istio's users know: names, order, keys, and which objects count.
import { describe, expect, it } from 'vitest';
import { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import { RequestAuthentication, type JwtRule } from '../../../shared/api/security/request-authentication.ts';
import type { JwtAuthentication } from '../../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { buildSnapshot, compareSnapshots, affectedTypes, type MeshSnapshot } from '../../index.ts';
import { TYPE_URLS } from '../../../shared/xds/index.ts';
import { claimMember, routingClaim } from './claim-matchers.ts';
import { jwtAuthentication, requestAuthenticationsFor } from './jwt.ts';

const REVIEWS = { namespace: 'bookinfo', labels: { app: 'reviews' } };
const KEYS = '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}';
const object = (name: string, namespace: string, jwtRules: JwtRule[], spec: object = {}) => RequestAuthentication.parse({ apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', metadata: { name, namespace }, spec: { jwtRules, ...spec } });
const snapshotOf = (config: ReturnType<typeof object>[], keySets = new Map<string, string>(), previous?: MeshSnapshot): MeshSnapshot =>
  buildSnapshot({ number: 1, meshConfig: MeshConfig.parse({}), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', services: [], endpointSlices: [], pods: [], namespaces: [], nodes: [], config, keySets }, previous).snapshot;
const filterOf = (config: ReturnType<typeof object>[], keySets?: Map<string, string>, clear = false): JwtAuthentication | undefined => {
  const snapshot = snapshotOf(config, keySets);
  return jwtAuthentication(requestAuthenticationsFor(snapshot, REVIEWS), snapshot.keySets, clear);
};
const keysOf = (filter: JwtAuthentication | undefined, provider = 'origins-0'): string => {
  const source = filter?.providers?.[provider]?.jwksSourceSpecifier;
  return source?.$case === 'localJwks' && source.localJwks.specifier?.$case === 'inlineString' ? source.localJwks.specifier.inlineString : '';
};

describe('jwtAuthentication', () => {
  it('asks for a good token or none, with Istio\'s names', () => {
    const filter = filterOf([object('a', 'bookinfo', [{ issuer: 'i', jwks: KEYS, audiences: ['x'], fromHeaders: [{ name: 'x-token', prefix: 'T ' }, { name: 'x-plain' }], fromParams: ['t'], fromCookies: ['c'], outputPayloadToHeader: 'x-payload', outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }], forwardOriginalToken: true, spaceDelimitedClaims: ['words', 'scope'] }])]);
    expect(filter).toEqual({
      providers: { 'origins-0': {
        issuer: 'i', audiences: ['x'], forward: true, forwardPayloadHeader: 'x-payload', payloadInMetadata: 'payload', normalizePayloadInMetadata: { spaceDelimitedClaims: ['permission', 'scope', 'words'] }, claimToHeaders: [{ headerName: 'x-sub', claimName: 'sub' }],
        fromHeaders: [{ name: 'x-token', valuePrefix: 'T ' }, { name: 'x-plain' }], fromParams: ['t'], fromCookies: ['c'], jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString: KEYS } } },
      } },
      rules: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, requirementType: { $case: 'requires', requires: { requiresType: { $case: 'requiresAny', requiresAny: { requirements: [{ requiresType: { $case: 'providerName', providerName: 'origins-0' } }, { requiresType: { $case: 'allowMissing', allowMissing: {} } }] } } } } }],
      bypassCorsPreflight: true,
    });
    expect(filterOf([object('a', 'bookinfo', [{ issuer: 'i', jwks: KEYS }])], undefined, true)?.providers?.['origins-0']?.clearRouteCache).toBe(true);
  });

  it('puts rules of all objects that count in the order of their issuers', () => {
    const rule = (issuer: string): JwtRule[] => [{ issuer, jwks: KEYS }];
    const filter = filterOf([
      object('mesh', 'istio-system', rule('c')), object('own', 'bookinfo', rule('b'), { selector: { matchLabels: { app: 'reviews' } } }), object('all', 'bookinfo', [...rule('d'), ...rule('a')]),
      object('other', 'bookinfo', rule('x'), { selector: { matchLabels: { app: 'ratings' } } }), object('far', 'shop', rule('y')), object('gateway', 'bookinfo', rule('z'), { targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' } }),
    ]);
    expect(Object.values(filter?.providers ?? {}).map(({ issuer }) => issuer)).toEqual(['a', 'b', 'c', 'd']);
    const [outer] = filter?.rules ?? [];
    const form = outer?.requirementType?.$case === 'requires' ? outer.requirementType.requires.requiresType : undefined;
    expect(form?.$case === 'requiresAny' && form.requiresAny.requirements?.map(({ requiresType }) => requiresType?.$case)).toEqual(['providerName', 'providerName', 'providerName', 'providerName', 'requiresAll']);
  });

  it('counts objects aimed at a Gateway for its workload alone', () => {
    const target = (namespace: string) => object('edge', namespace, [{ issuer: namespace, jwks: KEYS }], { targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' } });
    const snapshot = snapshotOf([target('bookinfo'), target('istio-system')]);
    const issuersAt = (labels: Record<string, string>): string[] => requestAuthenticationsFor(snapshot, { namespace: 'bookinfo', labels }).flatMap(({ spec }) => spec.jwtRules ?? []).map(({ issuer = '' }) => issuer);
    expect([issuersAt({ 'gateway.networking.k8s.io/gateway-name': 'edge' }), issuersAt({ 'gateway.networking.k8s.io/gateway-name': 'other' }), issuersAt({})]).toEqual([['bookinfo'], [], []]);
  });

  it('has no filter where no token is asked about', () => {
    expect([filterOf([]), filterOf([object('a', 'bookinfo', [])]), filterOf([object('a', 'shop', [{ issuer: 'i', jwks: KEYS }])])]).toEqual([undefined, undefined, undefined]);
  });

  it('takes fetched keys, and for those that are missing or of no use a key that nobody has', () => {
    const rules = [object('a', 'bookinfo', [{ issuer: 'a', jwksUri: 'https://keys' }, { issuer: 'b' }, { issuer: 'c', jwks: '{"keys":[{"kty":"RSA"}]}' }])];
    const filter = filterOf(rules, new Map([['uri https://keys', KEYS]]));
    expect(keysOf(filter)).toBe(KEYS);
    const nobody = keysOf(filter, 'origins-1');
    expect([keysOf(filter, 'origins-2'), (JSON.parse(nobody) as { keys: object[] }).keys]).toEqual([nobody, [{ kty: 'RSA', e: 'AQAB', n: expect.stringMatching(/^[\w-]{342}$/) as unknown }]]);
    expect(keysOf(filterOf(rules, new Map([['issuer b', KEYS]])), 'origins-1')).toBe(KEYS);
  });

  it('is pushed when keys change', () => {
    const config = [object('a', 'bookinfo', [{ issuer: 'a', jwksUri: 'https://keys' }])];
    const before = snapshotOf(config);
    expect(affectedTypes(compareSnapshots(before, snapshotOf(config, new Map([['uri https://keys', KEYS]]), before)))).toEqual([TYPE_URLS.listener]);
    expect(compareSnapshots(before, snapshotOf(config, new Map(), before)).kinds.size).toBe(0);
  });
});

describe('routingClaim', () => {
  it.each<[string, readonly string[] | undefined]>([
    ['@request.auth.claims.sub', ['sub']], ['@request.auth.claims.a.b', ['a', 'b']], ['@Request.Auth.Claims[a][b.c]', ['a', 'b.c']], ['@request.auth.claims[https://x/y]', ['https://x/y']],
    ['@request.auth.claims', undefined], ['@request.auth.claims.', undefined], ['@request.auth.claims[]', undefined], ['@request.auth.claimsx', undefined], ['x-header', undefined],
  ])('%s', (name, claims) => expect(routingClaim(name)).toEqual(claims));

  it('looks for a string, or for a list with it', () => {
    const text = { matchPattern: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'exact', exact: 'x' } } } };
    expect(claimMember(['a', 'b'], { matchPattern: { $case: 'exact', exact: 'x' } })).toEqual({
      filter: 'envoy.filters.http.jwt_authn', path: ['payload', 'a', 'b'].map((key) => ({ segment: { $case: 'key', key } })),
      value: { matchPattern: { $case: 'orMatch', orMatch: { valueMatchers: [{ matchPattern: { $case: 'listMatch', listMatch: { matchPattern: { $case: 'oneOf', oneOf: text } } } }, text] } } },
    });
  });
});
