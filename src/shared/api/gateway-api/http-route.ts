// HTTPRoute and GRPCRoute: how requests are matched, changed and sent on. A GRPCRoute is read as the HTTP that it is on the wire.
import { z } from 'zod';
import { BackendObjectReference, BackendReference, gatewayApiObject, gatewayApiType, LocalObjectReference, routeFields, routeStatus } from './shared.ts';

const typedValue = z.object({ type: z.string().optional(), value: z.string().optional() });
const header = z.object({ name: z.string(), value: z.string() });

/** A condition on a header or a query parameter. */
export const NamedValueMatch = z.object({ type: z.string().optional(), name: z.string(), value: z.string() });
export type NamedValueMatch = z.infer<typeof NamedValueMatch>;

/** Conditions on a request, all of which must hold. */
export const HttpRouteMatch = z.object({
  path: typedValue.optional(),
  headers: z.array(NamedValueMatch).optional(),
  queryParams: z.array(NamedValueMatch).optional(),
  method: z.string().optional(),
});
export type HttpRouteMatch = z.infer<typeof HttpRouteMatch>;

/** Changes of headers. */
export const HeaderFilter = z.object({ set: z.array(header).optional(), add: z.array(header).optional(), remove: z.array(z.string()).optional() });
export type HeaderFilter = z.infer<typeof HeaderFilter>;

/** A change of the path: the whole, or the prefix that matched. */
export const PathModifier = z.object({ type: z.string(), replaceFullPath: z.string().optional(), replacePrefixMatch: z.string().optional() });
export type PathModifier = z.infer<typeof PathModifier>;

/** Sends a copy of some requests elsewhere. */
export const RequestMirror = z.object({
  backendRef: BackendObjectReference,
  percent: z.number().optional(),
  fraction: z.object({ numerator: z.number(), denominator: z.number().optional() }).optional(),
});
export type RequestMirror = z.infer<typeof RequestMirror>;

/** An answer that sends the client elsewhere. */
export const RequestRedirect = z.object({
  scheme: z.string().optional(),
  hostname: z.string().optional(),
  path: PathModifier.optional(),
  port: z.number().int().optional(),
  statusCode: z.number().int().optional(),
});
export type RequestRedirect = z.infer<typeof RequestRedirect>;

/** Cross-origin rules of a route. */
export const CorsFilter = z.object({
  allowOrigins: z.array(z.string()).optional(),
  allowCredentials: z.boolean().optional(),
  allowMethods: z.array(z.string()).optional(),
  allowHeaders: z.array(z.string()).optional(),
  exposeHeaders: z.array(z.string()).optional(),
  maxAge: z.number().optional(),
});
export type CorsFilter = z.infer<typeof CorsFilter>;

/** One filter of a rule or backend: `type` tells which field counts. */
export const RouteFilter = z.object({
  type: z.string(),
  requestHeaderModifier: HeaderFilter.optional(),
  responseHeaderModifier: HeaderFilter.optional(),
  requestMirror: RequestMirror.optional(),
  requestRedirect: RequestRedirect.optional(),
  urlRewrite: z.object({ hostname: z.string().optional(), path: PathModifier.optional() }).optional(),
  cors: CorsFilter.optional(),
  extensionRef: LocalObjectReference.optional(),
});
export type RouteFilter = z.infer<typeof RouteFilter>;

/** A backend with filters of its own. */
export const FilteredBackendReference = BackendReference.extend({ filters: z.array(RouteFilter).optional() });
export type FilteredBackendReference = z.infer<typeof FilteredBackendReference>;

/** Keeping a client at one backend; the experimental channel's. */
const sessionPersistence = z.object({ sessionName: z.string().optional(), type: z.string().optional() });

/** One rule of an HTTPRoute. */
export const HttpRouteRule = z.object({
  name: z.string().optional(),
  matches: z.array(HttpRouteMatch).optional(),
  filters: z.array(RouteFilter).optional(),
  backendRefs: z.array(FilteredBackendReference).optional(),
  timeouts: z.object({ request: z.string().optional(), backendRequest: z.string().optional() }).optional(),
  retry: z.object({ codes: z.array(z.number().int()).optional(), attempts: z.number().int().optional(), backoff: z.string().optional() }).optional(),
  sessionPersistence: sessionPersistence.optional(),
});
export type HttpRouteRule = z.infer<typeof HttpRouteRule>;

/** An HTTPRoute object. */
export const HTTPRoute = gatewayApiObject('HTTPRoute', z.object({ ...routeFields, rules: z.array(HttpRouteRule).optional() }), routeStatus);
export type HTTPRoute = z.infer<typeof HTTPRoute>;

/** The kind's names. */
export const HTTPRouteType = gatewayApiType('HTTPRoute', 'httproutes');

/** Conditions on a gRPC call. */
export const GrpcRouteMatch = z.object({
  method: z.object({ type: z.string().optional(), service: z.string().optional(), method: z.string().optional() }).optional(),
  headers: z.array(NamedValueMatch).optional(),
});
export type GrpcRouteMatch = z.infer<typeof GrpcRouteMatch>;

/** One rule of a GRPCRoute. */
export const GrpcRouteRule = z.object({
  name: z.string().optional(),
  matches: z.array(GrpcRouteMatch).optional(),
  filters: z.array(RouteFilter).optional(),
  backendRefs: z.array(FilteredBackendReference).optional(),
  sessionPersistence: sessionPersistence.optional(),
});
export type GrpcRouteRule = z.infer<typeof GrpcRouteRule>;

/** A GRPCRoute object. */
export const GRPCRoute = gatewayApiObject('GRPCRoute', z.object({ ...routeFields, rules: z.array(GrpcRouteRule).optional() }), routeStatus);
export type GRPCRoute = z.infer<typeof GRPCRoute>;

/** The kind's names. */
export const GRPCRouteType = gatewayApiType('GRPCRoute', 'grpcroutes');
