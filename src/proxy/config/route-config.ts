// Route configuration as plain data (envoy.config.route.v3), read by proxy/route and the router filter.
import type { HeaderMutationsConfig } from './header-change-config.ts';
import type { HttpFilterOverride } from './http-filter-config.ts';
import type { RateLimitConfig } from './rate-limit-config.ts';
import type { HeaderMatchConfig, RouteMatchConfig } from './match-config.ts';

export type { HeaderAddConfig, HeaderMutationsConfig } from './header-change-config.ts';
export type { HeaderMatchConfig, RouteMatchConfig } from './match-config.ts';

/** One route configuration. */
export interface RouteConfig {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostConfig[];
  readonly headerMutations: HeaderMutationsConfig;
  /** Most specific header mutations win over less specific ones. */
  readonly mostSpecificHeaderMutationsWin: boolean;
  readonly ignorePortInHostMatching: boolean;
  readonly digest: string;
}

/** One virtual host: domain order is exact, longest suffix `*.x`, longest prefix `x.*`, `*`. */
export interface VirtualHostConfig {
  readonly name: string;
  readonly domains: readonly string[];
  readonly requireTls: 'none' | 'external_only' | 'all';
  readonly routes: readonly RouteEntryConfig[];
  readonly headerMutations: HeaderMutationsConfig;
  readonly includeRequestAttemptCount: boolean;
  readonly perFilter: Readonly<Record<string, HttpFilterOverride>>;
  readonly retryPolicy: RetryPolicyConfig | null;
  /** What requests are counted as by a rate limit service. */
  readonly rateLimits?: readonly RateLimitConfig[];
}

/** One route: first match wins. */
export interface RouteEntryConfig {
  readonly name: string;
  readonly match: RouteMatchConfig;
  readonly action: RouteActionConfig | RedirectActionConfig | DirectResponseConfig;
  readonly headerMutations: HeaderMutationsConfig;
  readonly perFilter: Readonly<Record<string, HttpFilterOverride>>;
  /** Operation name of spans (`decorator`), null for none. */
  readonly decoratorOperation: string | null;
}

/** Forward to a cluster. */
export interface RouteActionConfig {
  readonly kind: 'route';
  /** At least one; weights as given, `totalWeight` their sum. */
  readonly clusters: readonly WeightedClusterConfig[];
  readonly totalWeight: number;
  /** Set when the cluster's name is read from this request header instead. */
  readonly clusterHeader: string | null;
  /** The same for a cluster that a header names. */
  readonly metadataMatch?: Readonly<Record<string, string>> | null;
  /** Whole time for the answer, all tries included; 0 for none. Starts at the request's end. */
  readonly timeoutMilliseconds: number;
  /** Stream idle timeout; null takes the connection manager's. */
  readonly idleTimeoutMilliseconds: number | null;
  /** Whole life of the stream; null takes the connection manager's; 0 for none. */
  readonly maximumStreamDurationMilliseconds: number | null;
  /** Upper bound for the client's grpc-timeout header; null ignores that header, 0 has no bound. */
  readonly grpcTimeoutMaximumMilliseconds: number | null;
  readonly retryPolicy: RetryPolicyConfig | null;
  readonly hashPolicies: readonly HashPolicyConfig[];
  readonly mirrors: readonly { readonly cluster: string; readonly perMillion: number; readonly disableShadowSuffix: boolean }[];
  readonly rewrite: PathRewriteConfig | null;
  readonly hostRewrite: { readonly kind: 'literal'; readonly value: string } | { readonly kind: 'auto' } | { readonly kind: 'header'; readonly name: string } | null;
  readonly priority: 'default' | 'high';
  readonly upgrades: readonly UpgradeConfig[];
  readonly clusterNotFoundStatus: 404 | 500 | 503;
  readonly rateLimits?: readonly RateLimitConfig[];
  readonly includeVirtualHostRateLimits?: boolean;
}

/** One of the clusters that share a route's requests. */
export interface WeightedClusterConfig {
  readonly name: string;
  readonly weight: number;
  readonly headerMutations: HeaderMutationsConfig;
  readonly hostRewriteLiteral: string | null;
  /** What `envoy.lb` metadata of an endpoint must be, for clusters with subsets; the route's own where the cluster says nothing. */
  readonly metadataMatch?: Readonly<Record<string, string>> | null;
  readonly perFilter: Readonly<Record<string, HttpFilterOverride>>;
}

/** Path rewriting: replace the matched prefix, or every match of a pattern. */
export type PathRewriteConfig = { readonly kind: 'prefix'; readonly value: string } | { readonly kind: 'regex'; readonly regex: string; readonly substitution: string };

/** An upgrade that may be asked for; `connect` terminates CONNECT into bytes for the cluster. */
export interface UpgradeConfig {
  readonly type: string;
  readonly enabled: boolean;
  readonly terminateConnect: boolean;
}

/** When and how a request is tried again. */
export interface RetryPolicyConfig {
  /** Envoy's names: 5xx, gateway-error, reset, connect-failure, refused-stream, retriable-4xx, retriable-status-codes, retriable-headers, cancelled, ... */
  readonly retryOn: readonly string[];
  readonly retries: number;
  readonly perTryTimeoutMilliseconds: number;
  readonly perTryIdleTimeoutMilliseconds: number;
  readonly retriableStatusCodes: readonly number[];
  readonly backoffBaseMilliseconds: number;
  readonly backoffMaximumMilliseconds: number;
  readonly avoidPreviousHosts: boolean;
  readonly hostSelectionAttempts: number;
  readonly retriableHeaders: readonly HeaderMatchConfig[];
}

/** One source of the hash that a consistent-hash cluster is asked with. */
export type HashPolicyConfig = { readonly terminal: boolean } & (
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; /** null: never generate */ readonly ttlSeconds: number | null }
  | { readonly kind: 'source_ip' }
  | { readonly kind: 'query_parameter'; readonly name: string });

/** Answer with a redirect. */
export interface RedirectActionConfig {
  readonly kind: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: { readonly kind: 'path'; readonly value: string } | { readonly kind: 'prefix'; readonly value: string } | { readonly kind: 'regex'; readonly regex: string; readonly substitution: string } | null;
  readonly stripQuery: boolean;
}

/** Answer at once. */
export interface DirectResponseConfig {
  readonly kind: 'direct_response';
  readonly status: number;
  readonly body: string;
}
