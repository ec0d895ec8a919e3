import { describe, expect, it } from 'vitest';
import type { Service } from '../../shared/api/core/network.ts';
import type { Deployment } from '../../shared/api/core/workloads.ts';
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import type { GatewayDeployment } from '../../mesh/gateway-api/index.ts';
import { workloadObjects } from './gateway-workload.ts';
import { readParameters, type WorkloadParameters } from './workload-parameters.ts';
import { madeWorkloadState, namedService, type WorkloadFacts } from './workload-states.ts';

const wanted = (over: Partial<GatewayDeployment> = {}): GatewayDeployment => ({
  gateway: { namespace: 'shop', name: 'front', uid: 'u1', apiVersion: 'gateway.networking.k8s.io/v1' }, className: 'istio', name: 'front-istio', labels: { team: 'edge' }, annotations: {},
  selector: { 'gateway.networking.k8s.io/gateway-name': 'front' }, ports: [{ name: 'http', port: 80 }, { name: 'https', port: 443, appProtocol: 'https' }, { name: 'own', port: 8080 }], serviceType: 'LoadBalancer', addresses: [], ...over,
});
const portsOf = (deployment: GatewayDeployment, parameters: WorkloadParameters = {}): unknown => (workloadObjects(deployment, parameters)[1] as Service).spec?.ports?.map(({ port, targetPort }) => [port, targetPort]);

describe('workloadObjects', () => {
  it('owns all objects to the Gateway and leaves the pod to injection', () => {
    const [account, service, deployment] = workloadObjects(wanted()) as [object, Service, Deployment];
    for (const object of [account, service, deployment]) expect(object).toMatchObject({ metadata: { name: 'front-istio', namespace: 'shop', labels: { team: 'edge', 'gateway.istio.io/managed': 'istio.io-gateway-controller' }, ownerReferences: [{ kind: 'Gateway', name: 'front', uid: 'u1', controller: true }] } });
    expect(service.spec).toMatchObject({ type: 'LoadBalancer', selector: { 'gateway.networking.k8s.io/gateway-name': 'front' } });
    expect(deployment.spec?.template).toMatchObject({ metadata: { labels: { 'sidecar.istio.io/inject': 'true' }, annotations: { 'inject.istio.io/templates': 'gateway' } }, spec: { serviceAccountName: 'front-istio', containers: [{ name: 'istio-proxy', image: 'auto' }] } });
  });

  it('leads privileged ports to free ones that need no privilege', () => {
    expect(portsOf(wanted())).toEqual([[15021, 15021], [80, 9080], [443, 8443], [8080, 8080]]);
  });

  it('knows ports of parameters by their number', () => {
    const { parameters = {} } = readParameters({ service: 'spec: { ports: [{ port: 443, nodePort: 30443 }, { name: extra, port: 9000 }] }' });
    const service = workloadObjects(wanted(), parameters)[1] as Service;
    expect(service.spec?.ports?.map(({ name, port, nodePort }) => [name, port, nodePort])).toEqual([['status-port', 15021, undefined], ['http', 80, undefined], ['https', 443, 30443], ['own', 8080, undefined], ['extra', 9000, undefined]]);
  });

  it('lets neither parameters nor annotations of the infrastructure say as whom pods run, what selects them and how they are injected', () => {
    const labels = { 'gateway.networking.k8s.io/gateway-name': 'other', 'sidecar.istio.io/inject': 'false', 'gateway.istio.io/managed': 'nobody', extra: 'yes' };
    // Past the check on purpose: what is ours is set again whatever was let through.
    const parameters: WorkloadParameters = {
      service: { metadata: { labels }, spec: { selector: { app: 'bank' } } },
      deployment: { metadata: { labels, ownerReferences: [] }, spec: { selector: { matchLabels: { app: 'bank' } }, template: { metadata: { labels, annotations: { 'inject.istio.io/templates': 'own' } }, spec: { serviceAccountName: 'admin', securityContext: { fsGroup: 0 } } } } },
    };
    const annotations = { note: 'kept', 'sidecar.istio.io/proxyImage': 'evil', 'proxy.istio.io/config': '{}', 'inject.istio.io/templates': 'own', 'k8s.v1.cni.cncf.io/networks': 'other' };
    const [, service, deployment] = workloadObjects(wanted({ annotations }), parameters) as [object, Service, Deployment];
    const [, plain, expected] = workloadObjects(wanted({ annotations: { note: 'kept' } })) as [object, Service, Deployment];
    expect(service.spec).toEqual(plain.spec);
    expect(deployment.spec?.selector).toEqual(expected.spec?.selector);
    expect(deployment.metadata?.ownerReferences).toEqual(expected.metadata?.ownerReferences);
    expect(deployment.metadata?.labels).toEqual({ ...labels, ...expected.metadata?.labels });
    expect(deployment.spec?.template).toEqual({ ...expected.spec?.template, metadata: { labels: { ...labels, ...expected.spec?.template?.metadata?.labels }, annotations: { note: 'kept', 'inject.istio.io/templates': 'gateway' } } });
  });

  it('merges parameters over, but not over who the objects are', () => {
    const parameters = { service: 'metadata: { annotations: { cloud: internal } }\nspec: { externalTrafficPolicy: Local }', deployment: 'spec: { replicas: 3, template: { spec: { containers: [{ name: istio-proxy, resources: { requests: { cpu: 1 } } }] } } }' };
    const [, service, deployment] = workloadObjects(wanted({ serviceType: 'ClusterIP' }), readParameters(parameters).parameters);
    expect(service).toMatchObject({ metadata: { name: 'front-istio', annotations: { cloud: 'internal' } }, spec: { type: 'ClusterIP', externalTrafficPolicy: 'Local' } });
    expect(deployment).toMatchObject({ spec: { replicas: 3, template: { spec: { containers: [{ name: 'istio-proxy', image: 'auto', resources: { requests: { cpu: 1 } } }] } } } });
  });
});

describe('madeWorkloadState', () => {
  const gateway = (annotations = {}) => ({ metadata: { name: 'front', namespace: 'shop', annotations }, spec: {} }) as unknown as KubernetesGateway;
  const facts = (service: Service['spec'], over: Partial<WorkloadFacts> & { ingress?: { ip?: string; hostname?: string }[]; readyReplicas?: number } = {}): WorkloadFacts => ({
    deployments: new Map([['shop/front-istio', { metadata: { name: 'front-istio' }, status: { replicas: 1, readyReplicas: over.readyReplicas ?? 1 } }]]),
    services: new Map([['shop/front-istio', { metadata: { name: 'front-istio', namespace: 'shop' }, spec: service ?? {}, status: { loadBalancer: { ingress: over.ingress ?? [] } } }]]),
    readyEndpoints: () => 1, refusal: () => undefined, domain: 'cluster.local', ...over,
  });

  it.each([
    ['what the load balancer gives', { type: 'LoadBalancer', clusterIP: '10.0.0.1' }, {}, { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }] }, [['IPAddress', '192.0.2.1'], ['Hostname', 'lb.example.com']]],
    ['nothing while there is none', { type: 'LoadBalancer', clusterIP: '10.0.0.1' }, {}, {}, []],
    ['the host name of a Service within the cluster', { type: 'ClusterIP', clusterIP: '10.0.0.1' }, {}, {}, [['Hostname', 'front-istio.shop.svc.cluster.local']]],
    ['its address when that is asked for', { type: 'ClusterIP', clusterIP: '10.0.0.1' }, { 'networking.istio.io/address-type': 'IPAddress' }, {}, [['IPAddress', '10.0.0.1']]],
  ])('shows %s', (_what, service, annotations, over, expected) => {
    expect(madeWorkloadState(wanted(), gateway(annotations), facts(service, over))?.addresses.map(({ type, value }) => [type, value])).toEqual(expected);
  });

  it('tells addresses that were not given, pods that are not ready, and proxies that refuse', () => {
    const balanced = { type: 'LoadBalancer' };
    expect(madeWorkloadState(wanted({ addresses: ['192.0.2.9'] }), gateway(), facts(balanced, { ingress: [{ ip: '192.0.2.1' }] }))?.refusedAddresses).toEqual(['192.0.2.9']);
    expect(madeWorkloadState(wanted(), gateway(), facts(balanced, { readyReplicas: 0 }))).toMatchObject({ ready: false, message: 'Deployment front-istio: 0 of 1 pods are ready' });
    expect(madeWorkloadState(wanted(), gateway(), facts(balanced, { refusal: () => 'no such cluster' }))).toMatchObject({ ready: false, message: 'The proxies refuse their configuration: no such cluster' });
    expect(madeWorkloadState(wanted(), gateway(), { ...facts(balanced), services: new Map() })).toBeUndefined();
  });

  it('finds the Service that a Gateway names, in its own namespace only', () => {
    const named = (value: string, type = 'Hostname') => namedService({ ...gateway(), spec: { addresses: [{ type, value }] } } as unknown as KubernetesGateway, 'cluster.local');
    expect([named('own'), named('own.shop'), named('own.shop.svc.cluster.local')]).toEqual(['shop/own', 'shop/own', 'shop/own']);
    expect([named('own.bank.svc.cluster.local'), named('www.example.com'), named('192.0.2.1', 'IPAddress')]).toEqual([undefined, undefined, undefined]);
  });
});
