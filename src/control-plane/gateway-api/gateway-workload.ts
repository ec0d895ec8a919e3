// The objects of a Gateway's workload: ServiceAccount, Deployment and Service, as Istio's automated deployment makes them. The pod is an
// empty one that injection fills from the template `gateway`. Texts of the ConfigMap that the Gateway names as its parameters are merged over.
import { parse } from 'yaml';
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
const GATEWAY_PARTS = { ServiceAccount: 'serviceAccount', Service: 'service', Deployment: 'deployment' } as const;

/** The objects that `wanted` asks for, one for each of WORKLOAD_KINDS. `parameters` are the texts of the ConfigMap. Throws when a text is no YAML. */
export function workloadObjects(wanted: GatewayDeployment, parameters: Readonly<Record<string, string>> = {}): KubernetesObject[] {
  const metadata = objectMetadata(wanted);
  const objects: Record<string, unknown>[] = [
    { metadata },
    { metadata, spec: serviceSpec(wanted) },
    { metadata, spec: deploymentSpec(wanted) },
  ];
  return WORKLOAD_KINDS.map((type, index) => {
    const base = { apiVersion: apiVersionOf(type), kind: type.kind, ...objects[index] };
    const text = parameters[GATEWAY_PARTS[type.kind as keyof typeof GATEWAY_PARTS]];
    if (text === undefined) return base;
    // Identity stays ours, whatever the parameters say.
    const merged = strategicMerge(base, parse(text) as Record<string, unknown>) as KubernetesObject;
    return { ...merged, apiVersion: base.apiVersion, kind: base.kind, metadata: { ...merged.metadata, name: metadata.name, namespace: metadata.namespace, ownerReferences: metadata.ownerReferences, labels: { ...merged.metadata?.labels, [MANAGED_LABEL]: MANAGED_VALUE } } };
  });
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
        annotations: { ...annotations, 'inject.istio.io/templates': 'gateway' },
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
