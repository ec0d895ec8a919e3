// What a cloud does for Services of type LoadBalancer, as far as the suite needs it: each gets an address under which the test's process reaches it.
// The host reaches ClusterIPs, so each Service's own is given; of addresses that a Service asks for only one is there to be had.
import { ServiceResource, type Service } from '../../src/shared/api/core/network.ts';
import { Informer, isConflict, isNotFound, type KubeClient } from '../../src/shared/kube/index.ts';

/** The address that a Service may ask for, and one that it never gets; of the range for documentation. */
export const USABLE_ADDRESS = '198.51.100.10';
export const UNUSABLE_ADDRESS = '198.51.100.20';

type BalancedService = Service & { spec?: { loadBalancerIP?: string } };

/** Gives addresses until `signal` aborts. */
export async function balanceLoads(client: KubeClient, signal: AbortSignal): Promise<void> {
  const services = new Informer<BalancedService>(client, ServiceResource);
  services.onChange(({ type, object }) => {
    if (type !== 'deleted') void give(client, object);
  });
  await services.start(signal);
}

async function give(client: KubeClient, { metadata, spec, status }: BalancedService): Promise<void> {
  const address = spec?.loadBalancerIP ?? spec?.clusterIP;
  if (spec?.type !== 'LoadBalancer' || !address || address === 'None' || (spec.loadBalancerIP !== undefined && address !== USABLE_ADDRESS) || status?.loadBalancer?.ingress?.length) return;
  try {
    await client.patch(ServiceResource, metadata?.name ?? '', metadata?.namespace, { status: { loadBalancer: { ingress: [{ ip: address }] } } }, { subresource: 'status', fieldManager: 'conformance-load-balancer' });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
