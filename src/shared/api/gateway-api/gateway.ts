// Gateway and ListenerSet (Gateway API): ports, hosts and certificates of a proxy at the edge, and which routes may attach.
import { z } from 'zod';
import { conditionSchema, gatewayApiObject, gatewayApiType, labelSelector, LocalObjectReference, ObjectReference } from './shared.ts';

/** TLS of a listener. */
export const ListenerTls = z.object({
  mode: z.string().optional(),
  certificateRefs: z.array(ObjectReference).optional(),
  options: z.record(z.string(), z.string()).optional(),
});
export type ListenerTls = z.infer<typeof ListenerTls>;

/** A kind of route, as listeners allow and support it. */
export const RouteGroupKind = z.object({ group: z.string().optional(), kind: z.string() });
export type RouteGroupKind = z.infer<typeof RouteGroupKind>;

/** Which namespaces something is taken from. */
export const NamespaceChoice = z.object({ from: z.string().optional(), selector: labelSelector.optional() });
export type NamespaceChoice = z.infer<typeof NamespaceChoice>;

/** One listener of a Gateway or ListenerSet. */
export const GatewayListener = z.object({
  name: z.string(),
  hostname: z.string().optional(),
  port: z.number().int(),
  protocol: z.string(),
  tls: ListenerTls.optional(),
  allowedRoutes: z.object({ namespaces: NamespaceChoice.optional(), kinds: z.array(RouteGroupKind).optional() }).optional(),
});
export type GatewayListener = z.infer<typeof GatewayListener>;

/** Checks of the client's certificate. */
export const FrontendValidation = z.object({ caCertificateRefs: z.array(ObjectReference), mode: z.string().optional() });
export type FrontendValidation = z.infer<typeof FrontendValidation>;

const frontendTls = z.object({ validation: FrontendValidation.optional() });

/** What is written about one listener. */
export const ListenerStatus = z.object({
  name: z.string(),
  supportedKinds: z.array(RouteGroupKind).optional(),
  attachedRoutes: z.number().int(),
  conditions: z.array(conditionSchema),
});
export type ListenerStatus = z.infer<typeof ListenerStatus>;

/** An address asked for or given. */
export const GatewayAddress = z.object({ type: z.string().optional(), value: z.string().optional() });
export type GatewayAddress = z.infer<typeof GatewayAddress>;

/** A Gateway object of the Gateway API (not Istio's kind of the same name). */
export const KubernetesGateway = gatewayApiObject(
  'Gateway',
  z.object({
    gatewayClassName: z.string(),
    listeners: z.array(GatewayListener).optional(),
    addresses: z.array(GatewayAddress).optional(),
    infrastructure: z.object({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      parametersRef: LocalObjectReference.optional(),
    }).optional(),
    allowedListeners: z.object({ namespaces: NamespaceChoice.optional() }).optional(),
    tls: z.object({
      backend: z.object({ clientCertificateRef: ObjectReference.optional() }).optional(),
      frontend: z.object({ default: frontendTls.optional(), perPort: z.array(z.object({ port: z.number().int(), tls: frontendTls })).optional() }).optional(),
    }).optional(),
  }),
  z.object({
    addresses: z.array(GatewayAddress).optional(),
    conditions: z.array(conditionSchema).optional(),
    listeners: z.array(ListenerStatus).optional(),
    attachedListenerSets: z.number().int().optional(),
  }),
);
export type KubernetesGateway = z.infer<typeof KubernetesGateway>;

/** The kind's names. */
export const KubernetesGatewayType = gatewayApiType('Gateway', 'gateways');

/** A ListenerSet object: listeners that another namespace adds to a Gateway. */
export const ListenerSet = gatewayApiObject(
  'ListenerSet',
  z.object({
    parentRef: z.object({ group: z.string().optional(), kind: z.string().optional(), name: z.string(), namespace: z.string().optional() }),
    listeners: z.array(GatewayListener).optional(),
  }),
  z.object({ conditions: z.array(conditionSchema).optional(), listeners: z.array(ListenerStatus).optional() }),
);
export type ListenerSet = z.infer<typeof ListenerSet>;

/** The kind's names. */
export const ListenerSetType = gatewayApiType('ListenerSet', 'listenersets');
