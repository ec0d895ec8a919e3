// Which listeners a route attaches to, and why not to others. A route names parents; each parent is decided on its own.
import type { GRPCRoute, HTTPRoute } from '../../shared/api/gateway-api/http-route.ts';
import type { TCPRoute, TLSRoute } from '../../shared/api/gateway-api/l4-routes.ts';
import { GATEWAY_API_GROUP, type ParentReference } from '../../shared/api/gateway-api/shared.ts';
import type { KubernetesService } from '../model/inputs.ts';
import { hostsOverlap, narrowerHost } from '../model/host-name.ts';
import type { BindingContext } from './binding-context.ts';
import { listenerFault, type BoundGateway } from './bound-gateway.ts';
import { isChosen, type BoundListener, type RouteKind } from './bound-listener.ts';
import type { Fault } from './conditions.ts';

/** Any route. */
export type AnyRoute = HTTPRoute | GRPCRoute | TLSRoute | TCPRoute;

/** A listener that takes a route, and the hosts that both have. */
export interface Attachment {
  readonly gateway: BoundGateway;
  readonly listener: BoundListener;
  readonly hosts: readonly string[];
}

/** What came of one parent that a route names. */
export interface BoundParent {
  readonly reference: ParentReference;
  readonly fault: Fault | undefined;
  readonly attachments: readonly Attachment[];
  /** For a parent of kind Service: the service, and its ports that the route is for. */
  readonly service?: { readonly service: KubernetesService; readonly ports: readonly number[] };
}

/** The parents of a route that are ours; others are left to other controllers. */
export function bindParents(context: BindingContext, gateways: readonly BoundGateway[], route: AnyRoute): readonly BoundParent[] {
  return (route.spec.parentRefs ?? []).flatMap((reference) => {
    const parent = bindParent(context, gateways, route, reference);
    return parent ? [parent] : [];
  });
}

function bindParent(context: BindingContext, gateways: readonly BoundGateway[], route: AnyRoute, reference: ParentReference): BoundParent | undefined {
  const group = reference.group ?? GATEWAY_API_GROUP;
  const kind = reference.kind ?? 'Gateway';
  const namespace = reference.namespace ?? route.metadata.namespace ?? '';
  if (group === '' && kind === 'Service') return serviceParent(context, route, reference, namespace);
  if (group !== GATEWAY_API_GROUP) return undefined;
  if (kind === 'Gateway') {
    const gateway = gateways.find(({ name }) => name === `${namespace}/${reference.name}`);
    return gateway && attach(context, gateway, gateway.listeners.filter(({ set }) => set === undefined), route, reference);
  }
  if (kind !== 'ListenerSet') return undefined;
  for (const gateway of gateways) {
    const found = gateway.sets.find(({ set }) => set.metadata.namespace === namespace && set.metadata.name === reference.name);
    if (!found) continue;
    if (found.refused) return { reference, attachments: [], fault: { reason: 'NoMatchingParent', message: `The ListenerSet is not accepted: ${found.refused.message}` } };
    return attach(context, gateway, gateway.listeners.filter(({ set }) => set === found.set), route, reference);
  }
  return undefined;
}

/** Narrows the listeners step by step; the first step that leaves none tells the reason. */
function attach(context: BindingContext, gateway: BoundGateway, listeners: readonly BoundListener[], route: AnyRoute, reference: ParentReference): BoundParent {
  const failed = (reason: string, message: string): BoundParent => ({ reference, attachments: [], fault: { reason, message } });
  const named = listeners.filter(({ listener }) => (!reference.sectionName || listener.name === reference.sectionName) && (!reference.port || listener.port === reference.port));
  if (named.length === 0) return failed('NoMatchingParent', `The parent has no listener${reference.sectionName ? ` ${reference.sectionName}` : ''}${reference.port ? ` on port ${reference.port}` : ''}.`);
  const kind = route.kind as RouteKind;
  const allowed = named.filter((bound) => bound.kinds.includes(kind) && isChosen(context, bound.listener.allowedRoutes?.namespaces, bound.namespace, route.metadata.namespace ?? '', 'Same'));
  if (allowed.length === 0) return failed('NotAllowedByListeners', `No listener takes routes of kind ${kind} from the namespace ${route.metadata.namespace ?? ''}. See its allowedRoutes and protocol.`);
  const working = allowed.filter((bound) => listenerFault(gateway, bound) === undefined);
  if (working.length === 0) return failed('NoMatchingParent', 'The listener is not accepted itself. See the status of the parent.');
  const attachments = working.flatMap((listener): Attachment[] => {
    const hosts = commonHosts(listener, route);
    return hosts.length > 0 ? [{ gateway, listener, hosts }] : [];
  });
  if (attachments.length === 0) return failed('NoMatchingListenerHostname', `No listener has a hostname in common with ${(route.spec.hostnames ?? []).join(', ')}.`);
  return { reference, attachments, fault: undefined };
}

/** Hosts that the listener and the route both have; `*` when neither names any. */
function commonHosts({ hostname, mode }: BoundListener, { spec }: AnyRoute): readonly string[] {
  if (mode === 'tcp' || !spec.hostnames?.length) return [hostname];
  return [...new Set(spec.hostnames.map((host) => host.toLowerCase()).filter((host) => hostsOverlap(hostname, host)).map((host) => narrowerHost(hostname, host)))];
}

function serviceParent(context: BindingContext, route: AnyRoute, reference: ParentReference, namespace: string): BoundParent | undefined {
  const service = context.services.get(`${namespace}/${reference.name}`);
  const failed = (reason: string, message: string): BoundParent => ({ reference, attachments: [], fault: { reason, message } });
  if (!service) return failed('NoMatchingParent', `The Service ${namespace}/${reference.name} does not exist.`);
  if (route.kind !== 'HTTPRoute' && route.kind !== 'GRPCRoute') return failed('NotAllowedByListeners', `Routes of kind ${route.kind} can not be bound to a Service yet.`);
  const ports = (service.spec?.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP').map(({ port }) => port).filter((port) => !reference.port || port === reference.port);
  if (ports.length === 0) return failed('NoMatchingParent', `The Service has no port${reference.port ? ` ${reference.port}` : ''}.`);
  return { reference, fault: undefined, attachments: [], service: { service, ports } };
}
