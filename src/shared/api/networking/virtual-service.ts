// VirtualService (networking.istio.io): how requests to a host are routed.
import { z } from 'zod';
import type { ResourceType } from '../meta/index.ts';
import { duration, istioObject } from '../istio-object.ts';

const stringMap = z.record(z.string(), z.string());
const portSelector = z.object({ number: z.number().int() });

/** A string condition: exactly one of the three. */
export const StringMatch = z.object({ exact: z.string().optional(), prefix: z.string().optional(), regex: z.string().optional() });
export type StringMatch = z.infer<typeof StringMatch>;

/** A percentage from 0 to 100. */
export const Percent = z.object({ value: z.number().optional() });
export type Percent = z.infer<typeof Percent>;

/** Where traffic goes: a host of the registry, a subset of it, a port. */
export const Destination = z.object({ host: z.string(), subset: z.string().optional(), port: portSelector.optional() });
export type Destination = z.infer<typeof Destination>;

const headerOperations = z.object({ set: stringMap.optional(), add: stringMap.optional(), remove: z.array(z.string()).optional() });

/** Header changes on the way to and from the destination. */
export const HeaderManipulation = z.object({ request: headerOperations.optional(), response: headerOperations.optional() });
export type HeaderManipulation = z.infer<typeof HeaderManipulation>;

/** Conditions on an HTTP request, all of which must hold. */
export const HttpMatchRequest = z.object({
  name: z.string().optional(),
  uri: StringMatch.optional(),
  scheme: StringMatch.optional(),
  method: StringMatch.optional(),
  authority: StringMatch.optional(),
  headers: z.record(z.string(), StringMatch).optional(),
  withoutHeaders: z.record(z.string(), StringMatch).optional(),
  queryParams: z.record(z.string(), StringMatch).optional(),
  port: z.number().int().optional(),
  sourceLabels: stringMap.optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
  ignoreUriCase: z.boolean().optional(),
  statPrefix: z.string().optional(),
});
export type HttpMatchRequest = z.infer<typeof HttpMatchRequest>;

/** A weighted HTTP destination. */
export const HttpRouteDestination = z.object({ destination: Destination, weight: z.number().int().optional(), headers: HeaderManipulation.optional() });
export type HttpRouteDestination = z.infer<typeof HttpRouteDestination>;

/** A redirect answered by the proxy. */
export const HttpRedirect = z.object({
  uri: z.string().optional(),
  authority: z.string().optional(),
  port: z.number().int().optional(),
  derivePort: z.enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']).optional(),
  scheme: z.string().optional(),
  redirectCode: z.number().int().optional(),
  prefixRewrite: z.string().optional(),
});
export type HttpRedirect = z.infer<typeof HttpRedirect>;

/** When and how often a request is tried again. */
export const HttpRetry = z.object({
  attempts: z.number().int().optional(),
  perTryTimeout: duration.optional(),
  retryOn: z.string().optional(),
  retryRemoteLocalities: z.boolean().optional(),
  retryIgnorePreviousHosts: z.boolean().optional(),
  backoff: duration.optional(),
});
export type HttpRetry = z.infer<typeof HttpRetry>;

/** Faults injected on the client's side. */
export const HttpFaultInjection = z.object({
  delay: z.object({ percent: z.number().optional(), percentage: Percent.optional(), fixedDelay: duration.optional(), exponentialDelay: duration.optional() }).optional(),
  abort: z.object({ percentage: Percent.optional(), httpStatus: z.number().int().optional(), grpcStatus: z.string().optional(), http2Error: z.string().optional() }).optional(),
});
export type HttpFaultInjection = z.infer<typeof HttpFaultInjection>;

/** Cross-origin rules. */
export const CorsPolicy = z.object({
  allowOrigin: z.array(z.string()).optional(),
  allowOrigins: z.array(StringMatch).optional(),
  allowMethods: z.array(z.string()).optional(),
  allowHeaders: z.array(z.string()).optional(),
  exposeHeaders: z.array(z.string()).optional(),
  maxAge: duration.optional(),
  allowCredentials: z.boolean().optional(),
  unmatchedPreflights: z.enum(['UNSPECIFIED', 'FORWARD', 'IGNORE']).optional(),
});
export type CorsPolicy = z.infer<typeof CorsPolicy>;

/** One HTTP route: any of `match`, then one action. */
export const HttpRoute = z.object({
  name: z.string().optional(),
  match: z.array(HttpMatchRequest).optional(),
  route: z.array(HttpRouteDestination).optional(),
  redirect: HttpRedirect.optional(),
  directResponse: z.object({ status: z.number().int(), body: z.object({ string: z.string().optional(), bytes: z.string().optional() }).optional() }).optional(),
  delegate: z.object({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  rewrite: z.object({ uri: z.string().optional(), authority: z.string().optional(), uriRegexRewrite: z.object({ match: z.string().optional(), rewrite: z.string().optional() }).optional() }).optional(),
  timeout: duration.optional(),
  retries: HttpRetry.optional(),
  fault: HttpFaultInjection.optional(),
  mirror: Destination.optional(),
  mirrors: z.array(z.object({ destination: Destination, percentage: Percent.optional() })).optional(),
  mirrorPercent: z.number().int().optional(),
  mirrorPercentage: Percent.optional(),
  corsPolicy: CorsPolicy.optional(),
  headers: HeaderManipulation.optional(),
});
export type HttpRoute = z.infer<typeof HttpRoute>;

/** A weighted destination of a TLS or TCP route. */
export const RouteDestination = z.object({ destination: Destination, weight: z.number().int().optional() });
export type RouteDestination = z.infer<typeof RouteDestination>;

const l4Match = {
  destinationSubnets: z.array(z.string()).optional(),
  port: z.number().int().optional(),
  sourceLabels: stringMap.optional(),
  gateways: z.array(z.string()).optional(),
  sourceNamespace: z.string().optional(),
};

/** A route for TLS that is passed through, chosen by SNI. */
export const TlsRoute = z.object({ match: z.array(z.object({ sniHosts: z.array(z.string()), ...l4Match })), route: z.array(RouteDestination).optional() });
export type TlsRoute = z.infer<typeof TlsRoute>;

/** A route for TCP. */
export const TcpRoute = z.object({ match: z.array(z.object({ sourceSubnet: z.string().optional(), ...l4Match })).optional(), route: z.array(RouteDestination).optional() });
export type TcpRoute = z.infer<typeof TcpRoute>;

/** A VirtualService object. */
export const VirtualService = istioObject('VirtualService', z.object({
  hosts: z.array(z.string()).optional(),
  gateways: z.array(z.string()).optional(),
  http: z.array(HttpRoute).optional(),
  tls: z.array(TlsRoute).optional(),
  tcp: z.array(TcpRoute).optional(),
  exportTo: z.array(z.string()).optional(),
}));
export type VirtualService = z.infer<typeof VirtualService>;

/** The kind's names. */
export const VirtualServiceType = {
  group: 'networking.istio.io', version: 'v1', kind: 'VirtualService', plural: 'virtualservices', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: ['vs'],
} as const satisfies ResourceType<VirtualService> & { servedVersions: readonly string[]; shortNames: readonly string[] };
