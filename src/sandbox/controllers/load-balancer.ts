// Gives each Service of type LoadBalancer the node's address, where its node ports are served.
import { deepEqual } from '../../shared/lib/index.ts';
import { ownKey, startController, type ControllerContext } from './controller.ts';
import { NODES, SERVICES } from './resources.ts';

/** Starts the controller; returns the way to stop it. */
export function startLoadBalancerController(context: ControllerContext): () => void {
  const services = context.client.table(SERVICES);
  return startController(context, {
    name: 'service-lb-controller',
    sources: [{ resource: SERVICES, keys: ownKey }, { resource: NODES, keys: () => services.list().flatMap(ownKey) }],
    reconcile: async (namespace, name) => {
      const service = services.get(namespace, name);
      const node = context.client.table(NODES).list()[0];
      if (!service || service.metadata.deletionTimestamp || !node || service.spec?.loadBalancerClass) return;
      const ip = node.status?.addresses?.find((address: { type: string }) => address.type === 'InternalIP')?.address;
      const loadBalancer = service.spec?.type === 'LoadBalancer' && ip ? { ingress: [{ ip, ipMode: 'VIP' }] } : {};
      if (deepEqual(service.status?.loadBalancer ?? {}, loadBalancer)) return;
      // A merge patch keeps what it does not name: a service that is no load balancer any more has its addresses removed.
      await context.client.patch(SERVICES, namespace, name, { status: { loadBalancer: 'ingress' in loadBalancer ? loadBalancer : { ingress: null } } }, 'status');
    },
  });
}
