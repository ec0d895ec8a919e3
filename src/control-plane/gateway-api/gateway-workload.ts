// The objects of a Gateway's workload: ServiceAccount, Deployment and Service, as Istio's automated deployment makes them. The pod is an
// empty one that injection fills from the template `gateway`. Texts of the ConfigMap that the Gateway names as its parameters are merged over.
import { isSteering, type ParametersPatch, type WorkloadParameters } from './workload-parameters.ts';
import { strategicMerge } from '../../mesh/inject/index.ts';
import { apiVersionOf, type KubernetesObject } from '../../shared/api/meta/index.ts';
import { ServiceAccountResource } from '../../shared/api/core/cluster.ts';
import { ServiceResource } from '../../shared/api/core/network.ts';
import { DeploymentResource } from '../../shared/api/core/workloads.ts';
import type { GatewayDeployment } from '../../mesh/gateway-api/index.ts';

/** Label of what we made for Gateways; value as Istio's. */
export const MANAGED_LABEL = 'gateway.istio.io/managed';
/** Value of the label. */
export const MANAGED_VALUE = 'istio.io-gateway-controller';
/** The kinds of a workload, in the order in which they are made. */
export const WORKLOAD_KINDS = [ServiceAccountResource, ServiceResource, DeploymentResource] as const;

/** Port of a proxy's readiness. */
const STATUS_PORT = 15021;
type WorkloadKind = 'ServiceAccount' | 'Service' | 'Deployment';
const GATEWAY_PARTS = { ServiceAccount: 'serviceAccount', Service: 'service', Deployment: 'deployment' } as const;

/** The objects that `wanted` asks for, one for each of WORKLOAD_KINDS, with the parameters merged over them. */
export function workloadObjects(wanted: GatewayDeployment, parameters: WorkloadParameters = {}): KubernetesObject[] {
  const metadata = objectMetadata(wanted);
  const specs: Record<WorkloadKind, object> = { ServiceAccount: {}, Service: { spec: serviceSpec(wanted) }, Deployment: { spec: deploymentSpec(wanted) } };
  return WORKLOAD_KINDS.map((type) => {
    const kind = type.kind as WorkloadKind;
    const base: PlainObject = { apiVersion: apiVersionOf(type), kind, metadata, ...specs[kind] };
    const patch = parameters[GATEWAY_PARTS[kind]];
    const object = patch === undefined ? base : withIdentity(mergePatch(base, patch), base, IDENTITIES[kind]);
    return object as KubernetesObject;
  });
}

type PlainObject = Readonly<Record<string, unknown>>;

/** What no parameters change: who the objects are, what they select, as whom pods run and how they are injected. */
const OBJECT_IDENTITY = ['apiVersion', 'kind', 'metadata.name', 'metadata.namespace', 'metadata.ownerReferences', 'metadata.labels.*'];
const IDENTITIES: Readonly<Record<WorkloadKind, readonly string[]>> = {
  ServiceAccount: OBJECT_IDENTITY,
  Service: [...OBJECT_IDENTITY, 'spec.selector'],
  Deployment: [
    ...OBJECT_IDENTITY, 'spec.selector', 'spec.template.metadata.labels.*', 'spec.template.metadata.annotations.*', 'spec.template.spec.serviceAccountName', 'spec.template.spec.securityContext',
  ],
};

/** Ports of a Service are known by their number, which strategic merge does not know. */
function mergePatch(base: PlainObject, patch: ParametersPatch): PlainObject {
  const { spec } = patch as { readonly spec?: { readonly ports?: readonly PlainObject[] } };
  if (spec?.ports === undefined) return strategicMerge(base, patch);
  const { ports, ...rest } = spec;
  const merged = strategicMerge(base, { ...patch, spec: rest }) as { readonly spec: { readonly ports: readonly PlainObject[] } };
  const own = merged.spec.ports.map((port) => ({ ...port, ...ports.find((candidate) => candidate['port'] === port['port']) }));
  const added = ports.filter(({ port }) => own.every((present) => present['port'] !== port));
  return { ...merged, spec: { ...merged.spec, ports: [...own, ...added] } };
}

/** `merged` with what `base` says at each of `paths`; `*` stands for every field that `base` has there. */
function withIdentity(merged: PlainObject, base: PlainObject, paths: readonly string[]): PlainObject {
  return paths.reduce<PlainObject>((object, path) => restore(object, base, path.split('.')), merged);
}

function restore(object: PlainObject, base: PlainObject, [field = '', ...rest]: readonly string[]): PlainObject {
  if (field === '*') return { ...object, ...base };
  if (!(field in base)) return object;
  return { ...object, [field]: rest.length === 0 ? base[field] : restore((object[field] ?? {}) as PlainObject, base[field] as PlainObject, rest) };
}

function objectMetadata({ gateway, name, labels, annotations }: GatewayDeployment) {
  return {
    name, namespace: gateway.namespace,
    labels: { ...labels, [MANAGED_LABEL]: MANAGED_VALUE },
    ...(Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {}),
    ownerReferences: [{ apiVersion: gateway.apiVersion, kind: 'Gateway', name: gateway.name, uid: gateway.uid, controller: true, blockOwnerDeletion: false }],
  };
}

/** Ports below 1024 lead to one above, which the proxy may bind without privilege wherever it runs. */
function serviceSpec({ ports, selector, serviceType, addresses }: GatewayDeployment): object {
  const taken = new Set([STATUS_PORT, ...ports.map(({ port }) => port)]);
  const [address] = addresses;
  return {
    type: serviceType,
    selector: { ...selector },
    ...(address !== undefined && serviceType === 'LoadBalancer' ? { loadBalancerIP: address } : {}),
    ports: [
      { name: 'status-port', port: STATUS_PORT, targetPort: STATUS_PORT, protocol: 'TCP' },
      ...ports.filter(({ port }) => port !== STATUS_PORT).map(({ name, port, appProtocol }) => ({ name, port, targetPort: targetPort(port, taken), protocol: 'TCP', ...(appProtocol === undefined ? {} : { appProtocol }) })),
    ],
  };
}

function targetPort(port: number, taken: Set<number>): number {
  if (port >= 1024) return port;
  for (let candidate = 8000 + port; ; candidate += 1000) {
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
}

function deploymentSpec({ name, labels, annotations, selector }: GatewayDeployment): object {
  return {
    selector: { matchLabels: { ...selector } },
    template: {
      metadata: {
        labels: { ...labels, ...selector, 'sidecar.istio.io/inject': 'true', 'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': 'latest' },
        annotations: { ...Object.fromEntries(Object.entries(annotations).filter(([name]) => !isSteering(name))), 'inject.istio.io/templates': 'gateway' },
      },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 45,
        securityContext: { fsGroup: 1337, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [{ name: 'istio-proxy', image: 'auto', ports: [{ name: 'status-port', containerPort: STATUS_PORT, protocol: 'TCP' }] }],
      },
    },
  };
}
