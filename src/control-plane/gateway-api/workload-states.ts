// How the workload behind each Gateway fares: for one that we made its Deployment and Service, for one that the user made the Service
// that the Gateway's address names. The binder puts this into statuses.
import type { Service } from '../../shared/api/core/network.ts';
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import type { Deployment } from '../../shared/api/core/workloads.ts';
import type { GatewayDeployment, GatewayWorkloadState } from '../../mesh/gateway-api/index.ts';

/** What the states are made from; keys are `namespace/name`. */
export interface WorkloadFacts {
  readonly deployments: { get(key: string): Deployment | undefined };
  /** Services with their status: ours, and those that Gateways name by address. */
  readonly services: { get(key: string): Service | undefined };
  /** Number of ready endpoints of a Service. */
  readonly readyEndpoints: (key: string) => number;
  /** What the proxies of a gateway refuse of their configuration. */
  readonly refusal: (namespace: string, gateway: string) => string | undefined;
  readonly domain: string;
}

type Address = GatewayWorkloadState['addresses'][number];

const ADDRESS_TYPE = 'networking.istio.io/address-type';

/** The state of the workload that was made for `wanted`; undefined while it is not there. */
export function madeWorkloadState(wanted: GatewayDeployment, gateway: KubernetesGateway | undefined, facts: WorkloadFacts): GatewayWorkloadState | undefined {
  const key = `${wanted.gateway.namespace}/${wanted.name}`;
  const deployment = facts.deployments.get(key);
  const service = facts.services.get(key);
  if (!deployment || !service) return undefined;
  const addresses = addressesOf(service, gateway?.metadata.annotations?.[ADDRESS_TYPE], facts.domain);
  const refused = wanted.addresses.filter((asked) => addresses.every(({ value }) => value !== asked));
  return { addresses, ...readiness(deployment, facts.refusal(wanted.gateway.namespace, wanted.gateway.name)), ...(refused.length > 0 ? { refusedAddresses: refused } : {}) };
}

/** `namespace/name` of the Service of its own namespace that a Gateway names as its address, which means that its workload is the user's. */
export function namedService(gateway: KubernetesGateway, domain: string): string | undefined {
  const host = gateway.spec.addresses?.find(({ type }) => type === 'Hostname')?.value;
  if (host === undefined) return undefined;
  const own = gateway.metadata.namespace ?? '';
  const [name = '', namespace = own, ...rest] = host.split('.');
  const suffix = rest.join('.');
  if (namespace !== own) return undefined;
  return suffix === '' || suffix === 'svc' || suffix === `svc.${domain}` ? `${namespace}/${name}` : undefined;
}

/** The state of the workload behind the Service at `key`. */
export function namedWorkloadState(key: string, facts: WorkloadFacts): GatewayWorkloadState | undefined {
  const service = facts.services.get(key);
  if (!service) return undefined;
  const ready = facts.readyEndpoints(key) > 0;
  return { addresses: addressesOf(service, undefined, facts.domain), ready, ...(ready ? {} : { message: `Service ${key} has no ready endpoints` }) };
}

function readiness(deployment: Deployment, refusal: string | undefined): Pick<GatewayWorkloadState, 'ready' | 'message'> {
  const { readyReplicas = 0, replicas = 0 } = deployment.status ?? {};
  if (refusal !== undefined) return { ready: false, message: `The proxies refuse their configuration: ${refusal}` };
  if (readyReplicas > 0) return { ready: true };
  return { ready: false, message: `Deployment ${deployment.metadata?.name ?? ''}: ${readyReplicas} of ${replicas} pods are ready` };
}

/** Addresses for clients: those of the load balancer; inside the cluster the Service's host name, or its ClusterIP where the Gateway's annotation asks for that. */
function addressesOf(service: Service, asked: string | undefined, domain: string): Address[] {
  if (service.spec?.type === 'LoadBalancer') {
    return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }): Address[] => (ip ? [{ type: 'IPAddress', value: ip }] : hostname ? [{ type: 'Hostname', value: hostname }] : []));
  }
  const { name = '', namespace = '' } = service.metadata ?? {};
  const address = service.spec?.clusterIP;
  const usable = address !== undefined && address !== '' && address !== 'None';
  return asked === 'IPAddress' && usable ? [{ type: 'IPAddress', value: address }] : [{ type: 'Hostname', value: `${name}.${namespace}.svc.${domain}` }];
}
