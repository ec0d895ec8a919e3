// Configuration of the external authorization filter as plain data (envoy.extensions.filters.http.ext_authz.v3).
import type { HeaderAddConfig } from './header-change-config.ts';
import type { MetadataMatchConfig, StringMatchConfig } from './match-config.ts';
import type { GrpcServiceConfig, MutationRulesConfig } from './service-config.ts';

/** Asks a service whether a request may go on. */
export interface ExtAuthzConfig {
  readonly kind: 'ext_authz';
  readonly service: { readonly kind: 'grpc'; readonly grpc: GrpcServiceConfig } | HttpAuthorizationConfig;
  readonly failureModeAllow: boolean;
  readonly failureModeAllowHeaderAdd: boolean;
  /** Null: the body is not sent. */
  readonly body: CheckBodyConfig | null;
  readonly packAsBytes: boolean;
  readonly clearRouteCache: boolean;
  readonly statusOnError: number;
  /** An answer that asks for a malformed header is an error, not only left out. */
  readonly validateMutations: boolean;
  readonly metadataNamespaces: readonly string[];
  readonly enabledPerMillion: number;
  readonly enabledMetadata: MetadataMatchConfig | null;
  readonly denyAtDisable: boolean;
  readonly includePeerCertificate: boolean;
  readonly includeTlsSession: boolean;
  readonly statPrefix: string;
  /** Headers of the request that are told; null for all. */
  readonly allowedHeaders: readonly StringMatchConfig[] | null;
  readonly disallowedHeaders: readonly StringMatchConfig[];
  readonly encodeRawHeaders: boolean;
  readonly mutationRules: MutationRulesConfig | null;
  readonly takesDynamicMetadata: boolean;
}

/** How much of a body is sent. */
export interface CheckBodyConfig {
  readonly maximumBytes: number;
  readonly allowPartial: boolean;
}

/** An authorization service that is asked in plain HTTP. */
export interface HttpAuthorizationConfig {
  readonly kind: 'http';
  readonly cluster: string;
  readonly timeoutMilliseconds: number;
  readonly pathPrefix: string;
  readonly requestAdd: readonly HeaderAddConfig[];
  readonly upstreamHeaders: readonly StringMatchConfig[];
  readonly upstreamHeadersToAppend: readonly StringMatchConfig[];
  /** Null: all but the host. */
  readonly clientHeaders: readonly StringMatchConfig[] | null;
  readonly clientHeadersOnSuccess: readonly StringMatchConfig[];
  readonly metadataFromHeaders: readonly StringMatchConfig[];
}

/** The filter's settings of a route. */
export interface ExtAuthzRouteConfig {
  readonly kind: 'ext_authz';
  readonly contextExtensions: Readonly<Record<string, string>>;
  readonly disableBody: boolean;
  /** Null: as the filter says. */
  readonly body: CheckBodyConfig | null;
}

/** Asks a service whether a connection may go on (envoy.extensions.filters.network.ext_authz.v3). */
export interface NetworkExtAuthzConfig {
  readonly kind: 'ext_authz';
  readonly statPrefix: string;
  readonly grpc: GrpcServiceConfig;
  readonly failureModeAllow: boolean;
  readonly enabledMetadata: MetadataMatchConfig | null;
  readonly includePeerCertificate: boolean;
  readonly includeTlsSession: boolean;
}
