// What a cloud does for Services of type LoadBalancer, as far as the suite needs it: each gets an address under which the test's process reaches it.
// The host reaches ClusterIPs, so each Service's own is given; of addresses that a Service asks for only one is there to be had.
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceResource, type Service } from '../../src/shared/api/core/network.ts';
import { Informer, isConflict, isNotFound, type KubeClient } from '../../src/shared/kube/index.ts';

/** The address that a Service may ask for, and one that it never gets; of the range for documentation. */
export const USABLE_ADDRESS = '198.51.100.10';
export const UNUSABLE_ADDRESS = '198.51.100.20';

const SERVED_WITHIN_MILLISECONDS = 20_000;
const DIAL_MILLISECONDS = 250;
const PAUSE_MILLISECONDS = 100;

type BalancedService = Service & { spec?: { loadBalancerIP?: string } };

/** Gives addresses until `signal` aborts. */
export async function balanceLoads(client: KubeClient, signal: AbortSignal): Promise<void> {
  const services = new Informer<BalancedService>(client, ServiceResource);
  services.onChange(({ type, object }) => {
    if (type !== 'deleted') void give(client, object, signal);
  });
  await services.start(signal);
}

async function give(client: KubeClient, service: BalancedService, signal: AbortSignal): Promise<void> {
  const address = addressFor(service);
  if (address === undefined) return;
  await untilNodeServes(service, signal);
  if (signal.aborted) return;
  try {
    const { name = '', namespace } = service.metadata ?? {};
    await client.patch(ServiceResource, name, namespace, { status: { loadBalancer: { ingress: [{ ip: address }] } } }, { subresource: 'status', fieldManager: 'conformance-load-balancer' });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** The address that a Service lacks and can have. */
function addressFor({ spec, status }: BalancedService): string | undefined {
  if (spec?.type !== 'LoadBalancer' || status?.loadBalancer?.ingress?.length) return undefined;
  if (spec.loadBalancerIP !== undefined) return spec.loadBalancerIP === USABLE_ADDRESS ? USABLE_ADDRESS : undefined;
  return spec.clusterIP && spec.clusterIP !== 'None' ? spec.clusterIP : undefined;
}

/**
 * Waits until the node's kube-proxy has rules for the Service, as a cloud's load balancer does by its health checks: until a connection is taken or refused.
 * A packet sent before that leads nowhere, and connection tracking lets the rest of its connection follow it; some of the suite's tests dial once only.
 */
async function untilNodeServes({ spec }: BalancedService, signal: AbortSignal): Promise<void> {
  const port = spec?.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.port;
  const end = Date.now() + SERVED_WITHIN_MILLISECONDS;
  while (port !== undefined && !signal.aborted && Date.now() < end && !(await answers(spec?.clusterIP ?? '', port))) await delay(PAUSE_MILLISECONDS);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(DIAL_MILLISECONDS, () => end(false));
    socket.on('connect', () => end(true));
    // Refused is an answer: the node knows the Service, which has no endpoint yet.
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
