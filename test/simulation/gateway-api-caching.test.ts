// Changes of the Gateway API one at a time: what is kept between pushes is what would be made afresh, and what differs is among the types that are pushed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { affectedTypes, buildSnapshot, compareSnapshots, createTranslator, generate, type MeshSnapshot, type NamedResource } from '../../src/mesh/index.ts';
import { bindGatewayApi } from '../../src/mesh/gateway-api/index.ts';
import { CLASS_YAML, objectsOf, resourcesOf } from '../../src/mesh/gateway-api/testdata/bind.ts';
import { gatewayProxy, sidecarProxy } from './gateway-api-traffic.ts';

const API = 'apiVersion: gateway.networking.k8s.io/v1';
const fixed = objectsOf(`${CLASS_YAML}---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {clusterIP: 10.1.0.1, ports: [{name: http, port: 80}, {name: odd, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {clusterIP: 10.1.0.2, ports: [{name: http, port: 80}]}
`);
const changing = objectsOf(`${API}
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: istio, tls: {backend: {clientCertificateRef: {name: cert}}}, allowedListeners: {namespaces: {from: Same}}, listeners: [{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS, hostname: a.com, tls: {certificateRefs: [{name: cert}]}}]}
---
${API}
kind: ListenerSet
metadata: {name: more}
spec: {parentRef: {name: web}, listeners: [{name: wide, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}, {name: tcp, port: 9000, protocol: TCP}]}
---
${API}
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: web}, {group: "", kind: Service, name: a}], rules: [{backendRefs: [{name: a, port: 80}, {name: b, port: 80}]}]}
---
${API}
kind: HTTPRoute
metadata: {name: narrow}
spec: {parentRefs: [{name: web, sectionName: http}], hostnames: [n.com], rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]}
---
${API}
kind: GRPCRoute
metadata: {name: g}
spec: {parentRefs: [{name: web}], hostnames: [g.com], rules: [{backendRefs: [{name: a, port: 81}]}]}
---
${API}
kind: TCPRoute
metadata: {name: t}
spec: {parentRefs: [{kind: ListenerSet, name: more}], rules: [{backendRefs: [{name: b, port: 80}]}]}
---
${API}
kind: BackendTLSPolicy
metadata: {name: p}
spec: {targetRefs: [{group: "", kind: Service, name: a}], validation: {hostname: a.internal, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}
`);

const proxies = [gatewayProxy('web'), sidecarProxy('default'), sidecarProxy('else')];
const TYPES = [TYPE_URLS.cluster, TYPE_URLS.listener, TYPE_URLS.route, TYPE_URLS.endpoint];
const ROUTES = ['80', 'http.80', 'https.443.https.web~https.default', 'https.443.default~more~wide.web~default~more~wide.default'];

function snapshotOf(present: ReadonlySet<object>, certificate: boolean, number: number, previous?: MeshSnapshot): MeshSnapshot {
  const meshConfig = parseMeshConfig({});
  if (!meshConfig.ok) throw new Error('mesh');
  const resources = resourcesOf([...fixed, ...changing.filter((object) => present.has(object))], {
    secrets: new Map(certificate ? [['default/cert', { type: 'kubernetes.io/tls', keyPair: 'valid' as const }]] : []), configMaps: new Map([['default/ca', { caCertificates: 'PEM' }]]),
  });
  const { services, namespaces } = resources;
  return buildSnapshot({ number, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', services, namespaces, endpointSlices: [], pods: [], config: [], gatewayApi: bindGatewayApi(resources).configuration }, previous).snapshot;
}

const versions = (list: readonly NamedResource[]): string => list.map(({ name, version }) => `${name}=${version}`).join('\n');

describe('changes of the Gateway API', () => {
  it('reach proxies whole, and what is kept between pushes is what would be made afresh', () => {
    const step = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...changing) }, { weight: 1, arbitrary: fc.constant('certificate' as const) });
    fc.assert(fc.property(fc.array(step, { minLength: 6, maxLength: 16, size: 'max' }), (steps) => {
      const translator = createTranslator();
      const present = new Set<object>(changing);
      let certificate = true;
      let before = snapshotOf(present, certificate, 1);
      steps.forEach((change, index) => {
        if (change === 'certificate') certificate = !certificate;
        else if (!present.delete(change)) present.add(change);
        const after = snapshotOf(present, certificate, index + 2, before);
        const pushed = affectedTypes(compareSnapshots(before, after));
        for (const proxy of proxies) {
          for (const type of TYPES) {
            const names = type === TYPE_URLS.route ? ROUTES : 'wildcard';
            const made = versions(generate(after, proxy, type, names));
            expect(versions(translator.generate(after, proxy, type, names))).toBe(made);
            if (made !== versions(generate(before, proxy, type, names))) expect(pushed).toContain(type);
          }
        }
        before = after;
      });
    }), { numRuns: 12 });
  }, 60_000);
});
