// TLSRoute and TCPRoute: where connections go, by server name or as they are.
import { z } from 'zod';
import { BackendReference, gatewayApiObject, gatewayApiType, routeFields, routeStatus } from './shared.ts';

/** One rule of a TLSRoute or TCPRoute. */
export const ConnectionRouteRule = z.object({ name: z.string().optional(), backendRefs: z.array(BackendReference).optional() });
export type ConnectionRouteRule = z.infer<typeof ConnectionRouteRule>;

const spec = z.object({ ...routeFields, rules: z.array(ConnectionRouteRule).optional() });

/** A TLSRoute object. */
export const TLSRoute = gatewayApiObject('TLSRoute', spec, routeStatus);
export type TLSRoute = z.infer<typeof TLSRoute>;

/** The kind's names. */
export const TLSRouteType = gatewayApiType('TLSRoute', 'tlsroutes');

/** A TCPRoute object. */
export const TCPRoute = gatewayApiObject('TCPRoute', spec, routeStatus);
export type TCPRoute = z.infer<typeof TCPRoute>;

/** The kind's names. */
export const TCPRouteType = gatewayApiType('TCPRoute', 'tcproutes');
