// Configuration of global rate limits as plain data: the filter (envoy.extensions.filters.http.ratelimit.v3) and what routes say of themselves to the service.
import type { HeaderAddConfig } from './header-change-config.ts';
import type { HeaderMatchConfig, RouteMatchConfig } from './match-config.ts';
import type { GrpcServiceConfig } from './service-config.ts';

/** Asks a service whether a request is within the limits. */
export interface RateLimitFilterConfig {
  readonly kind: 'ratelimit';
  readonly domain: string;
  readonly stage: number;
  readonly requestType: 'internal' | 'external' | 'both';
  readonly service: GrpcServiceConfig;
  readonly failureModeDeny: boolean;
  /** What gRPC clients get is RESOURCE_EXHAUSTED, not UNAVAILABLE. */
  readonly asResourceExhausted: boolean;
  readonly xRateLimitHeaders: boolean;
  readonly disableXEnvoyRateLimitedHeader: boolean;
  readonly limitedStatus: number;
  readonly statusOnError: number;
  readonly responseAdd: readonly HeaderAddConfig[];
  readonly statPrefix: string;
}

/** The filter's settings of a route. */
export interface RateLimitRouteConfig {
  readonly kind: 'ratelimit';
  readonly virtualHostLimits: 'override' | 'include' | 'ignore';
  /** Instead of those of route and virtual host; empty for none. */
  readonly rateLimits: readonly RateLimitConfig[];
  /** Empty: the filter's. */
  readonly domain: string;
}

/** One descriptor to make of a request: the entries of all its actions. */
export interface RateLimitConfig {
  readonly stage: number;
  readonly actions: readonly RateLimitActionConfig[];
  /** Metadata that holds the limit to apply instead of the service's. */
  readonly limit: MetadataKeyConfig | null;
}

/** Where a value stands in dynamic metadata. */
export interface MetadataKeyConfig {
  readonly filter: string;
  readonly path: readonly string[];
}

/** What one entry of a descriptor is made from. */
export type RateLimitActionConfig =
  | { readonly kind: 'source_cluster' | 'destination_cluster' | 'remote_address' }
  | { readonly kind: 'request_headers'; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | { readonly kind: 'generic_key'; readonly key: string; readonly value: string }
  | { readonly kind: 'header_value_match'; readonly key: string; readonly value: string; readonly expectMatch: boolean; readonly headers: readonly HeaderMatchConfig[] }
  | { readonly kind: 'query_parameter_value_match'; readonly key: string; readonly value: string; readonly expectMatch: boolean; readonly parameters: RouteMatchConfig['queryParameters'] }
  | { readonly kind: 'metadata'; readonly key: string; readonly metadata: MetadataKeyConfig; readonly defaultValue: string; readonly skipIfAbsent: boolean }
  | { readonly kind: 'masked_remote_address'; readonly version4Bits: number; readonly version6Bits: number };
