// Every kind of the Gateway API that is read: names and schemas, for informers and for parsing what they see.
// Adding a kind is one file and one line here. The definitions themselves are upstream's: users install them, we never do.
import type { z } from 'zod';
import type { ResourceType } from '../meta/index.ts';
import { BackendTLSPolicy, BackendTLSPolicyType } from './backend-tls-policy.ts';
import { GatewayClass, GatewayClassType } from './gateway-class.ts';
import { KubernetesGateway, KubernetesGatewayType, ListenerSet, ListenerSetType } from './gateway.ts';
import { GRPCRoute, GRPCRouteType, HTTPRoute, HTTPRouteType } from './http-route.ts';
import { TCPRoute, TCPRouteType, TLSRoute, TLSRouteType } from './l4-routes.ts';
import { ReferenceGrant, ReferenceGrantType } from './reference-grant.ts';

/** Any object of the Gateway API that is read. */
export type GatewayApiObject = GatewayClass | KubernetesGateway | ListenerSet | HTTPRoute | GRPCRoute | TLSRoute | TCPRoute | ReferenceGrant | BackendTLSPolicy;

/** One kind of the Gateway API. */
export interface GatewayApiKind {
  readonly type: ResourceType;
  readonly schema: z.ZodType<GatewayApiObject>;
}

/** The kinds that are read. */
export const gatewayApiKinds: readonly GatewayApiKind[] = [
  { type: GatewayClassType, schema: GatewayClass },
  { type: KubernetesGatewayType, schema: KubernetesGateway },
  { type: ListenerSetType, schema: ListenerSet },
  { type: HTTPRouteType, schema: HTTPRoute },
  { type: GRPCRouteType, schema: GRPCRoute },
  { type: TLSRouteType, schema: TLSRoute },
  { type: TCPRouteType, schema: TCPRoute },
  { type: ReferenceGrantType, schema: ReferenceGrant },
  { type: BackendTLSPolicyType, schema: BackendTLSPolicy },
];
