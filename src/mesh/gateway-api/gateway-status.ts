// Statuses of Gateways and ListenerSets: addresses, conditions, and for each listener what attaches to it.
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import { hostsOverlap } from '../model/host-name.ts';
import type { BoundListenerStatus, GatewayApiCondition, GatewayApiStatus } from './binding-types.ts';
import type { BindingContext } from './binding-context.ts';
import { isServed, listenerFault, type BoundGateway, type BoundListenerSet } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';
import { condition, unlessFault, type Fault } from './conditions.ts';
import { clientCertificateFault } from './client-certificates.ts';
import { workloadOf, type Workload } from './gateway-workloads.ts';
import { neighbours } from './listener-hosts.ts';

/** Counts of attached routes by listener. */
export type AttachedRoutes = (listener: BoundListener) => number;

/** The status of a Gateway and of its ListenerSets. */
export function gatewayStatuses(context: BindingContext, gateway: BoundGateway, attached: AttachedRoutes): GatewayApiStatus[] {
  const workload = workloadOf(context, gateway);
  return [gatewayStatus(context, gateway, workload, attached), ...gateway.sets.map((set) => setStatus(gateway, set, workload, attached))];
}

function gatewayStatus(context: BindingContext, gateway: BoundGateway, workload: Workload, attached: AttachedRoutes): GatewayApiStatus {
  const { name, namespace = '', generation = 0 } = gateway.gateway.metadata;
  const own = gateway.listeners.filter(({ set }) => set === undefined);
  const accepted = acceptedSets(gateway);
  return {
    kind: 'Gateway', namespace, name, generation,
    status: {
      addresses: workload.addresses,
      conditions: [acceptance(gateway, own, generation), programming(gateway, own, workload, generation), resolution(context, gateway, own, generation), ...insecureFallback(gateway, generation)],
      listeners: own.map((listener) => listenerStatus({ gateway, workload }, listener, attached, generation)),
      ...(gateway.sets.length > 0 ? { attachedListenerSets: accepted } : {}),
    },
  };
}

function acceptedSets(gateway: BoundGateway): number {
  return gateway.sets.filter((set) => set.refused === undefined && listenersOf(gateway, set).some((listener) => isValid(gateway, listener))).length;
}

function listenersOf(gateway: BoundGateway, { set }: BoundListenerSet): readonly BoundListener[] {
  return gateway.listeners.filter((listener) => listener.set === set);
}

/** A Gateway is accepted when at least one of its listeners is; the reason tells when not all are. */
function acceptance(gateway: BoundGateway, own: readonly BoundListener[], generation: number): GatewayApiCondition {
  if (gateway.refused) return unlessFault('Accepted', gateway.refused, '', generation);
  const faulty = own.filter((listener) => listenerFault(gateway, listener) !== undefined);
  if (faulty.length === 0) return condition('Accepted', true, 'Accepted', 'The Gateway is accepted.', generation);
  const some = faulty.length < own.length;
  return condition('Accepted', some, 'ListenersNotValid', `Listeners that are not valid: ${faulty.map(({ listener }) => listener.name).join(', ')}.`, generation);
}

function programming(gateway: BoundGateway, own: readonly BoundListener[], workload: Workload, generation: number): GatewayApiCondition {
  if (gateway.refused || (own.length > 0 && own.every((listener) => listenerFault(gateway, listener) !== undefined))) return condition('Programmed', false, 'Invalid', 'The Gateway is not accepted.', generation);
  return unlessFault('Programmed', workload.fault, 'The proxies of the Gateway serve it.', generation);
}

function resolution(context: BindingContext, gateway: BoundGateway, own: readonly BoundListener[], generation: number): GatewayApiCondition {
  const unresolved = own.filter((listener) => listener.unresolved !== undefined);
  const fault = clientCertificateFault(context, gateway.gateway)
    ?? (unresolved.length > 0 ? { reason: 'ListenersNotResolved', message: `Listeners with references that do not resolve: ${unresolved.map(({ listener }) => listener.name).join(', ')}.` } : undefined);
  return unlessFault('ResolvedRefs', fault, 'All references resolve.', generation);
}

/** Tells that clients without a valid certificate are let in somewhere. */
function insecureFallback({ gateway }: BoundGateway, generation: number): GatewayApiCondition[] {
  const { frontend } = gateway.spec.tls ?? {};
  const modes = [frontend?.default?.validation?.mode, ...(frontend?.perPort ?? []).map(({ tls }) => tls.validation?.mode)];
  return modes.includes('AllowInsecureFallback') ? [condition('InsecureFrontendValidationMode', true, 'ConfigurationChanged', 'Clients without a valid certificate are let in, as the mode AllowInsecureFallback says.', generation)] : [];
}

/** A listener of a set counts when it is accepted and its references resolve. */
function isValid(gateway: BoundGateway, listener: BoundListener): boolean {
  return listenerFault(gateway, listener) === undefined && listener.unresolved === undefined;
}

/** Listeners that nobody is there to serve yet: the API has one reason for it, whatever the Gateway waits for. */
function pending({ fault }: Workload): Fault | undefined {
  return fault && { reason: 'Pending', message: `The Gateway does not serve yet: ${fault.message}` };
}

function setStatus(gateway: BoundGateway, bound: BoundListenerSet, workload: Workload, attached: AttachedRoutes): GatewayApiStatus {
  const { name, namespace = '', generation = 0 } = bound.set.metadata;
  const listeners = listenersOf(gateway, bound);
  const fault: Fault | undefined = bound.refused
    ?? (listeners.some((listener) => isValid(gateway, listener)) ? undefined : { reason: 'ListenersNotValid', message: 'None of the listeners is valid. See their conditions.' });
  return {
    kind: 'ListenerSet', namespace, name, generation,
    status: {
      conditions: [
        unlessFault('Accepted', fault, 'The listeners are part of the Gateway.', generation),
        unlessFault('Programmed', fault ?? pending(workload), 'The proxies of the Gateway serve the listeners.', generation),
      ],
      listeners: listeners.map((listener) => listenerStatus({ gateway, workload }, listener, attached, generation)),
    },
  };
}

function listenerStatus({ gateway, workload }: { readonly gateway: BoundGateway; readonly workload: Workload }, listener: BoundListener, attached: AttachedRoutes, generation: number): BoundListenerStatus {
  const conflict = gateway.conflicts.get(listener);
  const fault = listenerFault(gateway, listener) ?? (gateway.refused ? { reason: 'Invalid', message: 'The Gateway is not accepted.' } : undefined);
  const served = isServed(gateway, listener);
  return {
    name: listener.listener.name,
    supportedKinds: listener.kinds.map((kind) => ({ group: GATEWAY_API_GROUP, kind })),
    attachedRoutes: attached(listener),
    conditions: [
      unlessFault('Accepted', listenerFault(gateway, listener), 'The listener is accepted.', generation),
      unlessFault('ResolvedRefs', listener.unresolved, 'All references resolve.', generation),
      served
        ? unlessFault('Programmed', pending(workload), 'The listener is served.', generation)
        : condition('Programmed', false, fault?.reason ?? 'Invalid', fault?.message ?? listener.unresolved?.message ?? 'The listener is not served.', generation),
      conflict ? condition('Conflicted', true, conflict.reason, conflict.message, generation) : condition('Conflicted', false, 'NoConflicts', 'No other listener is in its way.', generation),
      ...overlap(gateway, listener, generation),
    ],
  };
}

/** Tells that a connection made for one listener may be used for another's hosts; such requests are answered with 421. */
function overlap(gateway: BoundGateway, listener: BoundListener, generation: number): GatewayApiCondition[] {
  if (listener.mode !== 'https') return [];
  const others = neighbours(gateway, listener).filter(({ hostname, mode }) => mode === 'https' && hostsOverlap(hostname, listener.hostname));
  return others.length > 0 ? [condition('OverlappingTLSConfig', true, 'OverlappingHostnames', `Hostnames overlap with: ${others.map((other) => other.listener.name).join(', ')}. Requests on a connection of the wrong listener are answered with 421.`, generation)] : [];
}
