// A listener of a Gateway or of a ListenerSet, with everything that was found out about it on its own: protocol, kinds of routes,
// certificates. Conflicts with others are found later, see listener-conflicts.ts.
import { matchesLabelSelector } from '../../shared/api/meta/index.ts';
import type { GatewayListener, KubernetesGateway, ListenerSet, NamespaceChoice, RouteGroupKind } from '../../shared/api/gateway-api/gateway.ts';
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';
import { clientValidation, listenerCertificates, type ClientValidation } from './listener-certificates.ts';

/** Kinds of routes that attach to listeners. */
export type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute';

/** A listener and the findings about it. */
export interface BoundListener {
  readonly gateway: KubernetesGateway;
  /** The ListenerSet that has it; undefined for one of the Gateway's own. */
  readonly set: ListenerSet | undefined;
  /** Namespace of the object that has it. */
  readonly namespace: string;
  readonly listener: GatewayListener;
  /** Unique among all listeners of the Gateway. */
  readonly key: string;
  /** In lower case; `*` for every host. */
  readonly hostname: string;
  readonly mode: 'http' | 'https' | 'tls-terminate' | 'tls-passthrough' | 'tcp' | 'unsupported';
  readonly kinds: readonly RouteKind[];
  /** Why it can not be accepted, but for conflicts. */
  readonly refused: Fault | undefined;
  /** Why references are not resolved. */
  readonly unresolved: Fault | undefined;
  /** `namespace/name` of the Secrets that can be served. */
  readonly certificates: readonly string[];
  readonly validation: ClientValidation | undefined;
}

const KINDS: Readonly<Record<BoundListener['mode'], readonly RouteKind[]>> = {
  http: ['HTTPRoute', 'GRPCRoute'], https: ['HTTPRoute', 'GRPCRoute'], 'tls-terminate': ['TLSRoute'], 'tls-passthrough': ['TLSRoute'], tcp: ['TCPRoute'], unsupported: [],
};

/** The findings about one listener. */
export function bindListener(context: BindingContext, gateway: KubernetesGateway, listener: GatewayListener, set?: ListenerSet): BoundListener {
  const namespace = (set ?? gateway).metadata.namespace ?? '';
  const mode = modeOf(listener);
  const kinds = allowedKinds(listener, mode);
  const owner = { group: GATEWAY_API_GROUP, kind: set ? 'ListenerSet' : 'Gateway', namespace };
  const certificates = mode === 'https' || mode === 'tls-terminate' ? listenerCertificates(context, owner, listener) : { secrets: [], fault: undefined };
  const validation = mode === 'https' ? clientValidation(context, gateway, listener.port) : undefined;
  return {
    gateway,
    set,
    namespace,
    listener,
    key: set ? `${set.metadata.namespace ?? ''}~${set.metadata.name}~${listener.name}` : listener.name,
    hostname: mode === 'tcp' ? '*' : (listener.hostname || '*').toLowerCase(),
    mode,
    kinds: kinds.kinds,
    refused: mode === 'unsupported' ? unsupported(listener) : validation?.refused,
    unresolved: kinds.fault ?? certificates.fault ?? validation?.unresolved,
    certificates: certificates.secrets,
    validation: validation?.validation,
  };
}

function modeOf({ protocol, tls }: GatewayListener): BoundListener['mode'] {
  switch (protocol) {
    case 'HTTP': return 'http';
    case 'HTTPS': return tls?.mode === undefined || tls.mode === 'Terminate' ? 'https' : 'unsupported';
    case 'TLS': return tls?.mode === 'Passthrough' ? 'tls-passthrough' : tls?.mode === undefined || tls.mode === 'Terminate' ? 'tls-terminate' : 'unsupported';
    case 'TCP': return 'tcp';
    default: return 'unsupported';
  }
}

function unsupported({ protocol, tls }: GatewayListener): Fault {
  if (protocol === 'HTTPS' || protocol === 'TLS') return { reason: 'UnsupportedValue', message: `The mode ${tls?.mode ?? ''} is not supported with protocol ${protocol}.` };
  return { reason: 'UnsupportedProtocol', message: `The protocol ${protocol} is not supported. Use HTTP, HTTPS, TLS or TCP.` };
}

/** Kinds that both the protocol and the listener's own list allow. */
function allowedKinds({ allowedRoutes }: GatewayListener, mode: BoundListener['mode']): { readonly kinds: readonly RouteKind[]; readonly fault: Fault | undefined } {
  const possible = KINDS[mode];
  const asked = allowedRoutes?.kinds;
  if (!asked?.length) return { kinds: possible, fault: undefined };
  const kinds = possible.filter((kind) => asked.some((entry) => isKind(entry, kind)));
  const others = asked.filter((entry) => !possible.some((kind) => isKind(entry, kind)));
  if (others.length === 0 || mode === 'unsupported') return { kinds, fault: undefined };
  return { kinds, fault: { reason: 'InvalidRouteKinds', message: `Routes of kind ${others.map(({ kind }) => kind).join(', ')} can not attach to a listener of this protocol. Possible: ${possible.join(', ')}.` } };
}

function isKind(entry: RouteGroupKind, kind: RouteKind): boolean {
  return (entry.group ?? GATEWAY_API_GROUP) === GATEWAY_API_GROUP && entry.kind === kind;
}

/** Whether something of `namespace` is among those that `choice` takes; `own` is the namespace of the chooser. */
export function isChosen(context: BindingContext, choice: NamespaceChoice | undefined, own: string, namespace: string, byDefault: 'Same' | 'None'): boolean {
  switch (choice?.from ?? byDefault) {
    case 'All': return true;
    case 'Same': return namespace === own;
    case 'Selector': return matchesLabelSelector(choice?.selector, context.namespaceLabels.get(namespace));
    default: return false;
  }
}
