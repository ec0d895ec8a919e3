// Analysis from outside: YAML of a small mesh in, findings out.
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ISTIO_KINDS, type IstioObject } from '../../shared/api/istio-kinds.ts';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { errorIssue } from '../../shared/lib/index.ts';
import { buildSnapshot } from '../model/build-snapshot.ts';
import type { KubernetesNamespace, KubernetesPod, KubernetesService } from '../model/inputs.ts';
import { analyzeMesh, ANALYZERS } from './index.ts';

const base = `
kind: Namespace
metadata: { name: app, labels: { istio-injection: enabled } }
---
kind: Service
metadata: { name: reviews, namespace: app }
spec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 80 }] }
---
kind: Pod
metadata: { name: reviews-1, namespace: app, labels: { app: reviews, istio: gw }, annotations: { sidecar.istio.io/status: "{}" } }
spec: {}
status: { podIP: 10.1.0.1, phase: Running }
`;

/** Findings for the objects of `base` and `yaml`, as `code Kind/namespace/name path`. */
function findings(yaml: string): string[] {
  const objects = parseAllDocuments(`${base}---\n${yaml}`).map((document) => document.toJSON() as { kind: string; metadata: { name: string } } | null).filter((object) => object !== null);
  const of = <T>(kind: string): T[] => objects.filter((object) => object.kind === kind) as unknown as T[];
  const config = objects.flatMap((object) => {
    const kind = ISTIO_KINDS.find((row) => row.kind === object.kind);
    return kind ? [kind.schema.parse({ apiVersion: `${kind.group}/v1`, ...object }) as IstioObject] : [];
  });
  const meshConfig = parseMeshConfig({});
  if (!meshConfig.ok) throw new Error('defaults');
  const { snapshot } = buildSnapshot({
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', endpointSlices: [],
    services: of<KubernetesService>('Service'), pods: of<KubernetesPod>('Pod'), namespaces: of<KubernetesNamespace>('Namespace'), config,
  });
  return analyzeMesh(snapshot).map(({ code, object, path }) => `${code} ${object?.kind}/${object?.namespace ?? ''}/${object?.name}${path === undefined ? '' : ` ${path}`}`);
}

const virtualService = (name: string, spec: string): string => `kind: VirtualService\nmetadata: { name: ${name}, namespace: app }\nspec: ${spec}\n---\n`;
const gateway = (name: string, hosts: string, port = 80, selector = '{ istio: gw }'): string =>
  `kind: Gateway\nmetadata: { name: ${name}, namespace: app }\nspec: { selector: ${selector}, servers: [{ port: { number: ${port}, name: http, protocol: HTTP }, hosts: ${hosts} }] }\n---\n`;
const route = '[{ route: [{ destination: { host: reviews } }] }]';

describe('analyzeMesh', () => {
  test('has nothing to say of a mesh in order', () => {
    const subset = 'kind: DestinationRule\nmetadata: { name: reviews, namespace: app }\nspec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }] }\n---\n';
    expect(findings(gateway('front', '["*"]') + subset + virtualService('reviews', '{ hosts: [reviews], gateways: [front, mesh], http: [{ match: [{ uri: { prefix: /a } }], route: [{ destination: { host: reviews, subset: v1 } }] }, { route: [{ destination: { host: reviews } }] }] }'))).toEqual([]);
  });

  test.each<[string, string, string[]]>([
    ['IST0101: gateway, host and subset that are not there', virtualService('a', '{ hosts: [reviews], gateways: [other/front], http: [{ route: [{ destination: { host: ratings } }, { destination: { host: reviews, subset: v9 } }], mirror: { host: gone } }] }'), [
      'IST0101 VirtualService/app/a spec.gateways[0]', 'IST0101 VirtualService/app/a spec.http[0].mirror.host', 'IST0101 VirtualService/app/a spec.http[0].route[0].destination.host', 'IST0101 VirtualService/app/a spec.http[0].route[1].destination.subset',
    ]],
    ['IST0101: a gateway that selects nothing', gateway('front', '["*"]', 80, '{ istio: none }'), ['IST0101 Gateway/app/front spec.selector']],
    ['IST0103: a pod without a proxy', 'kind: Pod\nmetadata: { name: bare, namespace: app }\nstatus: { podIP: 10.1.0.2, phase: Running }\n', ['IST0103 Pod/app/bare']],
    ['IST0103: not for a pod that wants none', 'kind: Pod\nmetadata: { name: bare, namespace: app, labels: { sidecar.istio.io/inject: "false" } }\nstatus: { podIP: 10.1.0.2, phase: Running }\n', []],
    ['IST0123: two ways of asking for injection', 'kind: Namespace\nmetadata: { name: both, labels: { istio-injection: enabled, istio.io/rev: x } }\n', ['IST0123 Namespace//both metadata.labels']],
    ['IST0108: a misspelt annotation', 'kind: Gateway\nmetadata: { name: g, namespace: app, annotations: { sidecar.istio.io/injekt: "true", example.com/own: x } }\nspec: { selector: { istio: gw } }\n', ['IST0108 Gateway/app/g metadata.annotations[sidecar.istio.io/injekt]']],
    ['IST0109: two virtual services for one host', virtualService('a', `{ hosts: [reviews], http: ${route} }`) + virtualService('b', `{ hosts: [reviews.app.svc.cluster.local], http: ${route} }`), ['IST0109 VirtualService/app/a spec.hosts', 'IST0109 VirtualService/app/b spec.hosts']],
    ['IST0132: a host that the gateway does not serve', gateway('front', '[shop.example.com]') + virtualService('a', `{ hosts: [other.example.com], gateways: [front], http: ${route} }`), ['IST0132 VirtualService/app/a spec.hosts']],
    ['IST0132: a gateway that takes hosts of another namespace only', gateway('front', '[elsewhere/shop.example.com]') + virtualService('a', `{ hosts: [shop.example.com], gateways: [front], http: ${route} }`), ['IST0132 VirtualService/app/a spec.hosts']],
    ['IST0149: a route by claims where no token is checked', gateway('front', '["*"]') + virtualService('a', '{ hosts: [reviews], gateways: [front], http: [{ match: [{ headers: { "@request.auth.claims.sub": { exact: me } } }], route: [{ destination: { host: reviews } }] }, { route: [{ destination: { host: reviews } }] }] }'), ['IST0149 VirtualService/app/a spec.http[0].match[0].headers.@request.auth.claims.sub']],
    ['IST0149: not where one is', gateway('front', '["*"]') + virtualService('a', '{ hosts: [reviews], gateways: [front], http: [{ match: [{ headers: { "@request.auth.claims[sub]": { exact: me } } }], route: [{ destination: { host: reviews } }] }, { route: [{ destination: { host: reviews } }] }] }') + 'kind: RequestAuthentication\nmetadata: { name: t, namespace: istio-system }\nspec: { jwtRules: [{ issuer: i }] }\n---\n', []],
    ['IST0145: two gateways for one host and port', gateway('one', '[a.example.com, b.example.com]') + gateway('two', '[app/b.example.com]') + gateway('three', '[b.example.com]', 81), ['IST0145 Gateway/app/one spec.servers[0]', 'IST0145 Gateway/app/two spec.servers[0]']],
    ['IST0127: a policy for nobody', 'kind: AuthorizationPolicy\nmetadata: { name: p, namespace: app }\nspec: { selector: { matchLabels: { app: ratings } } }\n', ['IST0127 AuthorizationPolicy/app/p spec.selector']],
    ['IST0111: two Sidecars for all pods', 'kind: Sidecar\nmetadata: { name: a, namespace: app }\nspec: {}\n---\nkind: Sidecar\nmetadata: { name: b, namespace: app }\nspec: {}\n', ['IST0111 Sidecar/app/a spec', 'IST0111 Sidecar/app/b spec']],
    ['IST0110: two Sidecars for one pod', 'kind: Sidecar\nmetadata: { name: a, namespace: app }\nspec: { workloadSelector: { labels: { app: reviews } } }\n---\nkind: Sidecar\nmetadata: { name: b, namespace: app }\nspec: { workloadSelector: { labels: { istio: gw } } }\n', ['IST0110 Sidecar/app/a spec.workloadSelector', 'IST0110 Sidecar/app/b spec.workloadSelector']],
    ['IST0118: a port name without a protocol', 'kind: Service\nmetadata: { name: s, namespace: app }\nspec: { clusterIP: 10.0.0.9, ports: [{ name: web, port: 8080 }, { name: other, port: 81, appProtocol: http }] }\n', ['IST0118 Service/app/s spec.ports']],
    ['IST0130: a rule behind one that takes all', virtualService('a', `{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }] }, { match: [{ uri: { prefix: /x } }], route: [{ destination: { host: reviews } }] }] }`), ['IST0130 VirtualService/app/a spec.http[1]']],
  ])('%s', (_name, yaml, expected) => {
    expect(findings(yaml)).toEqual(expected);
  });

  test('puts errors first and objects that were kept out among them', () => {
    const meshConfig = parseMeshConfig({});
    if (!meshConfig.ok) throw new Error('defaults');
    const service: KubernetesService = { metadata: { name: 's', namespace: 'app' }, spec: { clusterIP: '10.0.0.9', ports: [{ name: 'web', port: 8080 }] } };
    const { snapshot } = buildSnapshot({ number: 1, meshConfig: meshConfig.value, rootNamespace: 'r', domain: 'd', trustDomain: 't', endpointSlices: [], services: [service], pods: [], namespaces: [], config: [] });
    expect(analyzeMesh(snapshot, [errorIssue('IST0106', 'spec.hosts', 'no')]).map(({ code }) => code)).toEqual(['IST0106', 'IST0118']);
  });

  test('every analyzer gives its own codes', () => {
    const codes = ANALYZERS.flatMap((analyzer) => analyzer.codes);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
