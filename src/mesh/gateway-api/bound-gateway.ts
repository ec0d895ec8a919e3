// Gateways of our classes with all their listeners: their own and those that ListenerSets add, conflicts decided.
import type { GatewayClass } from '../../shared/api/gateway-api/gateway-class.ts';
import type { KubernetesGateway, ListenerSet } from '../../shared/api/gateway-api/gateway.ts';
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import { byAge } from './ages.ts';
import type { BindingContext } from './binding-context.ts';
import { bindListener, isChosen, type BoundListener } from './bound-listener.ts';
import type { Fault } from './conditions.ts';
import { gatewayFault } from './gateway-fault.ts';
import { listenerConflicts } from './listener-conflicts.ts';

/** A ListenerSet that names one of our Gateways. */
export interface BoundListenerSet {
  readonly set: ListenerSet;
  /** Why none of its listeners is taken. */
  readonly refused: Fault | undefined;
}

/** A Gateway of one of our classes. */
export interface BoundGateway {
  readonly gateway: KubernetesGateway;
  /** `namespace/name`. */
  readonly name: string;
  readonly className: string;
  /** In order of precedence: the Gateway's own, then those of its sets. */
  readonly listeners: readonly BoundListener[];
  readonly sets: readonly BoundListenerSet[];
  readonly conflicts: ReadonlyMap<BoundListener, Fault>;
  /** What is wrong with the Gateway as a whole. */
  readonly refused: Fault | undefined;
}

/** The Gateways of `classes`, oldest first. */
export function bindGateways(context: BindingContext, classes: readonly GatewayClass[]): readonly BoundGateway[] {
  const names = new Set(classes.filter((item) => !isRefused(item)).map(({ metadata }) => metadata.name));
  return context.resources.gateways.filter(({ spec }) => names.has(spec.gatewayClassName)).sort(byAge).map((gateway) => bindGateway(context, gateway));
}

/** `namespace/name` of Gateways whose class is ours and is not accepted at present. */
export function gatewaysOfRefusedClasses(gateways: readonly KubernetesGateway[], classes: readonly GatewayClass[]): readonly string[] {
  const names = new Set(classes.filter(isRefused).map(({ metadata }) => metadata.name));
  return gateways.filter(({ spec }) => names.has(spec.gatewayClassName)).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

function isRefused({ spec }: GatewayClass): boolean {
  return spec.parametersRef !== undefined;
}

function bindGateway(context: BindingContext, gateway: KubernetesGateway): BoundGateway {
  const { name, namespace = '' } = gateway.metadata;
  const refused = gatewayFault(context, gateway);
  const sets = context.resources.listenerSets.filter((set) => isParent(gateway, set)).sort(byAge).map((set): BoundListenerSet => ({ set, refused: setFault(context, gateway, set, refused) }));
  const listeners = [
    ...(gateway.spec.listeners ?? []).map((listener) => bindListener(context, gateway, listener)),
    ...sets.flatMap(({ set, refused: fault }) => (fault ? [] : (set.spec.listeners ?? []).map((listener) => bindListener(context, gateway, listener, set)))),
  ];
  return { gateway, name: `${namespace}/${name}`, className: gateway.spec.gatewayClassName, listeners, sets, conflicts: listenerConflicts(listeners), refused };
}

function isParent({ metadata }: KubernetesGateway, { metadata: own, spec: { parentRef } }: ListenerSet): boolean {
  return (parentRef.group ?? GATEWAY_API_GROUP) === GATEWAY_API_GROUP && (parentRef.kind ?? 'Gateway') === 'Gateway' && parentRef.name === metadata.name && (parentRef.namespace ?? own.namespace) === metadata.namespace;
}

function setFault(context: BindingContext, gateway: KubernetesGateway, { metadata }: ListenerSet, gatewayRefused: Fault | undefined): Fault | undefined {
  if (!isChosen(context, gateway.spec.allowedListeners?.namespaces, gateway.metadata.namespace ?? '', metadata.namespace ?? '', 'None')) {
    return { reason: 'NotAllowed', message: `The Gateway does not take listeners from the namespace ${metadata.namespace ?? ''}. See its spec.allowedListeners.` };
  }
  return gatewayRefused ? { reason: 'ParentNotAccepted', message: `The Gateway is not accepted: ${gatewayRefused.message}` } : undefined;
}

/** Why routes can not attach to a listener at all. */
export function listenerFault({ conflicts }: BoundGateway, listener: BoundListener): Fault | undefined {
  return conflicts.get(listener) ?? listener.refused;
}

/** Whether proxies are told of a listener: it is accepted, and has a certificate where it needs one and at least one kind of route. */
export function isServed(gateway: BoundGateway, listener: BoundListener): boolean {
  if (gateway.refused || listenerFault(gateway, listener) || listener.kinds.length === 0) return false;
  return (listener.mode !== 'https' && listener.mode !== 'tls-terminate') || listener.certificates.length > 0;
}
