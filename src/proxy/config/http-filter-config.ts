// Configuration of HTTP filters and of role-based access control as plain data. A new filter adds its interface here and
// its compiler in this folder.
import type { ExtAuthzConfig, ExtAuthzRouteConfig } from './ext-authz-config.ts';
import type { JwtAuthnConfig, JwtRouteConfig } from './jwt-authn-config.ts';
import type { StatefulSessionConfig } from './stateful-session-config.ts';
import type { BufferConfig, CsrfConfig, HeaderMutationConfig, HealthCheckConfig } from './small-filter-config.ts';
import type { RateLimitFilterConfig, RateLimitRouteConfig } from './rate-limit-config.ts';
import type { HeaderMatchConfig, MetadataMatchConfig, StringMatchConfig } from './match-config.ts';

/** An HTTP filter, by kind; `name` is what per-route overrides name it by. */
export type HttpFilterConfig = { readonly name: string } & (
  | { readonly kind: 'router' }
  | FaultConfig
  | JwtAuthnConfig
  | StatefulSessionConfig
  | CorsFilterConfig
  | {
    readonly kind: 'rbac'; readonly rules: RbacRulesConfig | null; readonly shadowRules: RbacRulesConfig | null;
    /** Stands before the names under which the outcome of shadow rules is left in metadata. */
    readonly shadowStatPrefix?: string;
  }
  | { readonly kind: 'peer_metadata'; readonly discoverDownstream: boolean; readonly discoverUpstream: boolean; readonly propagateUpstream: boolean; readonly propagateDownstream: boolean }
  | { readonly kind: 'istio_alpn'; readonly http10: readonly string[]; readonly http11: readonly string[]; readonly http2: readonly string[] }
  | IstioStatsConfig
  | { readonly kind: 'grpc_stats'; readonly emitFilterState: boolean; readonly statsForAllMethods: boolean }
  | LocalRateLimitConfig
  | DiscoveredFilterConfig
  | ExtAuthzConfig
  | RateLimitFilterConfig
  | BufferConfig
  | CsrfConfig
  | HeaderMutationConfig
  | HealthCheckConfig);

/** A per-route replacement of a filter's configuration; `disabled` skips the filter. */
export type HttpFilterOverride = { readonly disabled: true } | FaultConfig | StatefulSessionConfig | JwtRouteConfig | CorsPolicyConfig | LocalRateLimitConfig | ExtAuthzRouteConfig | RateLimitRouteConfig | BufferConfig | CsrfConfig | HeaderMutationConfig | { readonly kind: 'rbac'; readonly rules: RbacRulesConfig | null };

/** Delays and aborts put in on purpose. */
export interface FaultConfig {
  readonly kind: 'fault';
  readonly delay: { readonly milliseconds: number; readonly perMillion: number } | null;
  readonly abort: { readonly httpStatus: number | null; readonly grpcStatus: number | null; readonly perMillion: number } | null;
  readonly headers: readonly HeaderMatchConfig[];
  readonly maximumActive: number | null;
}

/** A filter whose configuration comes by itself (ECDS) under the filter's name. It is put in place before the listener runs: what runs has none of these. */
export interface DiscoveredFilterConfig {
  readonly kind: 'discovered';
  /** The messages that it may be. */
  readonly types: readonly string[];
  /** What runs while there is none; null: requests are refused then. */
  readonly fallback: HttpFilterConfig | null;
  /** Whether the listener does not wait for it. */
  readonly withoutWarming: boolean;
}

/** An extension's configuration (ECDS resource), in each direction that its listener may have. */
export interface ExtensionConfig {
  readonly type: string;
  readonly inbound: HttpFilterConfig;
  readonly outbound: HttpFilterConfig;
  readonly digest: string;
}

/** Marks the CORS filter; policies are per route. */
export interface CorsFilterConfig {
  readonly kind: 'cors';
}

/** The CORS policy of a route or virtual host. */
export interface CorsPolicyConfig {
  readonly kind: 'cors_policy';
  readonly allowOrigins: readonly StringMatchConfig[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  readonly forwardNotMatchingPreflights: boolean;
}

/** A token bucket in this process. */
export interface LocalRateLimitConfig {
  readonly kind: 'local_ratelimit';
  readonly statPrefix: string;
  readonly status: number;
  readonly bucket: { readonly maximumTokens: number; readonly tokensPerFill: number; readonly fillIntervalMilliseconds: number } | null;
  readonly enabledPerMillion: number;
  readonly enforcedPerMillion: number;
}

/** Policies of a role-based access control filter (envoy.config.rbac.v3.RBAC), in the order of their names. */
export interface RbacRulesConfig {
  readonly action: 'allow' | 'deny' | 'log';
  readonly policies: readonly { readonly name: string; readonly permissions: readonly PermissionConfig[]; readonly principals: readonly PrincipalConfig[] }[];
}

/** What is asked for. */
export type PermissionConfig =
  | { readonly kind: 'any' }
  /** Of a kind that this proxy does not know. */
  | { readonly kind: 'undecidable' }
  | { readonly kind: 'and' | 'or'; readonly rules: readonly PermissionConfig[] }
  | { readonly kind: 'not'; readonly rule: PermissionConfig }
  | { readonly kind: 'header'; readonly header: HeaderMatchConfig }
  | { readonly kind: 'url_path'; readonly match: StringMatchConfig }
  | { readonly kind: 'destination_ip'; readonly range: string }
  | { readonly kind: 'destination_port'; readonly port: number }
  | { readonly kind: 'destination_port_range'; readonly start: number; readonly end: number }
  | { readonly kind: 'metadata'; readonly match: MetadataMatchConfig }
  | { readonly kind: 'requested_server_name'; readonly match: StringMatchConfig };

/** Who asks. */
export type PrincipalConfig =
  | { readonly kind: 'any' }
  /** Of a kind that this proxy does not know. */
  | { readonly kind: 'undecidable' }
  | { readonly kind: 'and' | 'or'; readonly ids: readonly PrincipalConfig[] }
  | { readonly kind: 'not'; readonly id: PrincipalConfig }
  /** Null match: any authenticated peer. Matched against the URI SAN, with and without `spiffe://` as Istio writes it. */
  | { readonly kind: 'authenticated'; readonly match: StringMatchConfig | null }
  /** `filter_state` key io.istio.peer_principal and the like. */
  | { readonly kind: 'filter_state'; readonly key: string; readonly match: StringMatchConfig }
  | { readonly kind: 'direct_remote_ip' | 'remote_ip' | 'source_ip'; readonly range: string }
  | { readonly kind: 'header'; readonly header: HeaderMatchConfig }
  | { readonly kind: 'metadata'; readonly match: MetadataMatchConfig }
  | { readonly kind: 'url_path'; readonly match: StringMatchConfig };

/** Istio's standard metrics; the same for HTTP streams and TCP connections. */
export interface IstioStatsConfig {
  readonly kind: 'istio_stats';
  /** Which side of the request this proxy reports. */
  readonly reporter: 'source' | 'destination';
  readonly disableHostHeaderFallback: boolean;
}
