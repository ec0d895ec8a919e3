// Extension providers of the mesh configuration: traces, logs, metrics and external authorizers that other objects name.
import { z } from 'zod';
import { duration } from '../istio-object.ts';

const names = z.array(z.string()).optional();

/** An external authorizer that is asked over gRPC, and what the one over HTTP shares with it. */
export const ExtAuthzGrpcProvider = z.object({
  /** `<namespace>/<host>` or `<host>`. */
  service: z.string(),
  port: z.number().int().min(1).max(65535),
  timeout: duration.optional(),
  failOpen: z.boolean().optional(),
  clearRouteCache: z.boolean().optional(),
  statusOnError: z.string().regex(/^[1-5][0-9]{2}$/).optional(),
  includeRequestBodyInCheck: z.object({ maxRequestBytes: z.number().int().min(1).optional(), allowPartialMessage: z.boolean().optional(), packAsBytes: z.boolean().optional() }).optional(),
});
export type ExtAuthzGrpcProvider = z.infer<typeof ExtAuthzGrpcProvider>;

/** An external authorizer that is asked in HTTP. */
export const ExtAuthzHttpProvider = ExtAuthzGrpcProvider.extend({
  pathPrefix: z.string().startsWith('/').optional(),
  includeHeadersInCheck: names,
  includeRequestHeadersInCheck: names,
  includeAdditionalHeadersInCheck: z.record(z.string(), z.string()).optional(),
  headersToUpstreamOnAllow: names,
  headersToDownstreamOnDeny: names,
  headersToDownstreamOnAllow: names,
});
export type ExtAuthzHttpProvider = z.infer<typeof ExtAuthzHttpProvider>;

/** A named provider of traces, logs, metrics or authorization. */
export const ExtensionProvider = z.object({
  name: z.string(),
  zipkin: z.object({ service: z.string(), port: z.number().int(), maxTagLength: z.number().int().optional(), path: z.string().optional(), enable64bitTraceId: z.boolean().optional(), traceContextOption: z.enum(['USE_B3', 'USE_B3_WITH_W3C_PROPAGATION']).optional() }).optional(),
  opentelemetry: z.object({ service: z.string(), port: z.number().int(), maxTagLength: z.number().int().optional(), http: z.object({ path: z.string(), timeout: duration.optional() }).optional() }).optional(),
  prometheus: z.object({}).optional(),
  envoyFileAccessLog: z.object({ path: z.string().optional(), logFormat: z.object({ text: z.string().optional(), labels: z.record(z.string(), z.unknown()).optional() }).optional(), omitEmptyValues: z.boolean().optional() }).optional(),
  envoyExtAuthzHttp: ExtAuthzHttpProvider.optional(),
  envoyExtAuthzGrpc: ExtAuthzGrpcProvider.optional(),
});
export type ExtensionProvider = z.infer<typeof ExtensionProvider>;
