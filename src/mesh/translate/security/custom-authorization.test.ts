// CUSTOM policies and policies aimed at Gateways, as the listeners of a proxy have them.
import { describe, expect, it } from 'vitest';
import { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import { AuthorizationPolicy } from '../../../shared/api/security/authorization-policy.ts';
import { RBAC } from '../../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { ExtAuthz } from '../../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import { buildSnapshot, parseProxyDescription } from '../../index.ts';
import { policiesFor } from '../../model/policy-selection.ts';
import { httpFilters, networkFilters } from '../listeners/filters.ts';
import { viewOf } from '../proxy-view.ts';
import { customAuthorizations } from './custom-authorization.ts';

const HTTP = { name: 'web', envoyExtAuthzHttp: { service: 'auth/auth.auth.svc.cluster.local', port: 8000, timeout: '2s', pathPrefix: '/check', includeRequestHeadersInCheck: ['x-*'], includeAdditionalHeadersInCheck: { 'x-mesh': 'a' }, headersToUpstreamOnAllow: ['x-user'], headersToDownstreamOnDeny: ['*-why'], statusOnError: '503' } };
const GRPC = { name: 'grpc', envoyExtAuthzGrpc: { service: 'auth.auth.svc.cluster.local', port: 9000, failOpen: true, includeRequestBodyInCheck: { maxRequestBytes: 64, allowPartialMessage: true } } };
const PATH = [{ to: [{ operation: { paths: ['/admin*'] } }] }];
const custom = (name: string, provider: string, annotations: Record<string, string> = {}): object => ({ metadata: { name, namespace: 'shop', annotations }, spec: { action: 'CUSTOM', provider: { name: provider }, rules: PATH } });

function steps(policies: readonly object[], tcp: boolean, providers: readonly object[] = [HTTP, GRPC]) {
  const { snapshot } = buildSnapshot({
    number: 1, meshConfig: MeshConfig.parse({ extensionProviders: providers }), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', endpointSlices: [], pods: [], namespaces: [],
    services: [{ metadata: { name: 'auth', namespace: 'auth' }, spec: { clusterIP: '10.0.0.9', ports: [{ name: 'http', port: 8000 }, { name: 'grpc', port: 9000 }] } }],
    config: policies.map((policy) => AuthorizationPolicy.parse({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', ...policy })),
  });
  const proxy = parseProxyDescription({ id: 'sidecar~10.0.0.1~pod.shop~shop.svc.cluster.local', metadata: { NAMESPACE: 'shop', LABELS: { app: 'shop' } } });
  if (!proxy.ok) throw new Error('proxy');
  return customAuthorizations(viewOf(snapshot, proxy.value), { trustDomains: ['cluster.local'], tcp });
}

const filtersOf = (policies: readonly object[], providers?: readonly object[]) => httpFilters({ direction: 'inbound', ownProxy: false, rbac: [], custom: steps(policies, false, providers) });
const bytesOf = (filter: ReturnType<typeof filtersOf>[number] | undefined): Uint8Array => (filter?.configType?.$case === 'typedConfig' ? filter.configType.typedConfig.value ?? new Uint8Array() : new Uint8Array());
const rulesOf = (policies: readonly object[], providers?: readonly object[]): RBAC => RBAC.decode(bytesOf(filtersOf(policies, providers)[0]));
const NAME = 'ns[shop]-policy[admin]-rule[0]';

describe('CUSTOM policies', () => {
  it('make shadow rules, then ask an HTTP provider about what they name', () => {
    const filters = filtersOf([custom('admin', 'web')]);
    expect(filters.slice(0, 2).map(({ name }) => name)).toEqual(['envoy.filters.http.rbac', 'envoy.filters.http.ext_authz']);
    const rbac = rulesOf([custom('admin', 'web')]);
    expect([rbac.shadowRulesStatPrefix, rbac.rules, Object.keys(rbac.shadowRules?.policies ?? {})]).toEqual(['istio_ext_authz_', undefined, [`istio-ext-authz-web-${NAME}`]]);
    expect(ExtAuthz.toJSON(ExtAuthz.decode(bytesOf(filters[1])))).toEqual({
      transportApiVersion: 'V3', statusOnError: { code: 'ServiceUnavailable' },
      filterEnabledMetadata: { filter: 'envoy.filters.http.rbac', path: [{ key: 'istio_ext_authz_shadow_effective_policy_id' }], value: { stringMatch: { prefix: 'istio-ext-authz-web-' } } },
      httpService: {
        serverUri: { uri: 'http://auth.auth.svc.cluster.local', cluster: 'outbound|8000||auth.auth.svc.cluster.local', timeout: { seconds: 2 } }, pathPrefix: '/check',
        authorizationRequest: { allowedHeaders: { patterns: [{ prefix: 'x-', ignoreCase: true }] }, headersToAdd: [{ key: 'x-mesh', value: 'a' }] },
        authorizationResponse: { allowedUpstreamHeaders: { patterns: [{ exact: 'x-user', ignoreCase: true }] }, allowedClientHeaders: { patterns: [{ suffix: '-why', ignoreCase: true }] } },
      },
    });
  });

  it('ask a gRPC provider about requests and connections, an HTTP one about requests alone', () => {
    const [http] = steps([custom('admin', 'grpc')], false);
    expect(http?.kind === 'ask' ? ExtAuthz.toJSON(http.provider.http) : null).toMatchObject({ failureModeAllow: true, withRequestBody: { maxRequestBytes: 64, allowPartialMessage: true }, grpcService: { envoyGrpc: { clusterName: 'outbound|9000||auth.auth.svc.cluster.local', authority: 'outbound_.9000_._.auth.auth.svc.cluster.local' }, timeout: { seconds: 600 } } });
    expect(networkFilters({ direction: 'inbound', ownProxy: false, rbac: [], custom: steps([custom('admin', 'grpc')], true) }, 'x').map(({ name }) => name)).toEqual(['envoy.filters.network.rbac', 'envoy.filters.network.ext_authz']);
    expect(steps([custom('admin', 'web')], true)).toEqual([]);
  });

  it.each<{ what: string; policies: readonly object[]; providers: readonly object[] }>([
    { what: 'is not there', policies: [custom('admin', 'absent')], providers: [HTTP] },
    { what: 'is there twice', policies: [custom('admin', 'web')], providers: [HTTP, HTTP] },
    { what: 'is no authorizer', policies: [custom('admin', 'p')], providers: [{ name: 'p', prometheus: {} }] },
    { what: 'has a service that does not exist', policies: [custom('admin', 'p')], providers: [{ name: 'p', envoyExtAuthzGrpc: { service: 'nobody.auth.svc.cluster.local', port: 1 } }] },
    { what: 'matches headers by nothing but a star', policies: [custom('admin', 'p')], providers: [{ name: 'p', envoyExtAuthzHttp: { ...HTTP.envoyExtAuthzHttp, headersToUpstreamOnAllow: ['*'] } }] },
    { what: 'adds a header that is none', policies: [custom('admin', 'p')], providers: [{ name: 'p', envoyExtAuthzHttp: { ...HTTP.envoyExtAuthzHttp, includeAdditionalHeadersInCheck: { 'a b': 'c' } } }] },
  ])('deny what they match when the provider $what', ({ policies, providers }) => {
    const rbac = rulesOf(policies, providers);
    expect(rbac.shadowRules).toBeUndefined();
    expect(Object.keys(rbac.rules?.policies ?? {})).toEqual([expect.stringMatching(/^istio-ext-authz-\w+-ns\[shop\]-policy\[admin\]-rule\[0\]-deny-due-to-bad-CUSTOM-action$/)]);
  });

  it('deny what they match when they name two providers', () => {
    expect(steps([custom('admin', 'web'), custom('other', 'grpc')], false).map(({ kind }) => kind)).toEqual(['deny', 'deny']);
  });

  it('only count what they match when they are tried', () => {
    const [step] = steps([custom('admin', 'web', { 'istio.io/dry-run': 'true' })], false);
    expect(step?.kind).toBe('count');
    expect(rulesOf([custom('admin', 'web', { 'istio.io/dry-run': 'true' })])).toMatchObject({ shadowRulesStatPrefix: 'istio_dry_run_' });
  });
});

describe('policiesFor', () => {
  const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
  const record = (namespace: string, spec: object) => ({ name: 'p', namespace, labels: {}, annotations: {}, createdAt: 0, spec, source: '' });
  const gateway = { namespace: 'infra', labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' } };
  it.each([
    { what: 'one that names the Gateway', namespace: 'infra', spec: { targetRefs: [GATEWAY] }, workload: gateway, applies: true },
    { what: 'one that names it among others', namespace: 'infra', spec: { targetRefs: [{ ...GATEWAY, name: 'other' }, { ...GATEWAY, namespace: 'infra' }] }, workload: gateway, applies: true },
    { what: 'one that names it the older way', namespace: 'infra', spec: { targetRef: GATEWAY }, workload: gateway, applies: true },
    { what: 'one that names another', namespace: 'infra', spec: { targetRefs: [{ ...GATEWAY, name: 'other' }] }, workload: gateway, applies: false },
    { what: 'one of the root namespace that names it', namespace: 'root', spec: { targetRefs: [GATEWAY] }, workload: gateway, applies: false },
    { what: 'one of another namespace', namespace: 'shop', spec: { targetRefs: [{ ...GATEWAY, namespace: 'infra' }] }, workload: gateway, applies: false },
    { what: 'one that names a Gateway of Istio', namespace: 'infra', spec: { targetRefs: [{ ...GATEWAY, group: 'networking.istio.io' }] }, workload: gateway, applies: false },
    { what: 'one that names a class', namespace: 'root', spec: { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'istio-waypoint' }] }, workload: gateway, applies: false },
    { what: 'one that names a Gateway, at a pod', namespace: 'infra', spec: { targetRefs: [GATEWAY] }, workload: { namespace: 'infra', labels: { app: 'a' } }, applies: false },
    { what: 'one that selects the Gateway\'s pods', namespace: 'infra', spec: { selector: { matchLabels: gateway.labels } }, workload: gateway, applies: true },
    { what: 'one without aim', namespace: 'root', spec: {}, workload: gateway, applies: true },
  ])('takes $what: $applies', ({ namespace, spec, workload, applies }) => {
    expect(policiesFor([record(namespace, spec)], 'root', workload).length).toBe(applies ? 1 : 0);
  });
});
