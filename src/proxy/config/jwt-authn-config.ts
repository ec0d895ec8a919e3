// Configuration of the JWT filter as plain data (envoy.extensions.filters.http.jwt_authn.v3).
import type { RouteMatchConfig, StringMatchConfig } from './match-config.ts';

/** The filter: which requests need which tokens. */
export interface JwtAuthnConfig {
  readonly kind: 'jwt_authn';
  readonly providers: Readonly<Record<string, JwtProviderConfig>>;
  /** The first that matches decides; none lets the request pass. */
  readonly rules: readonly { readonly match: RouteMatchConfig; readonly requires: JwtRequirementConfig }[];
  /** Requirements by the names that routes ask for. */
  readonly requirements: Readonly<Record<string, JwtRequirementConfig>>;
  readonly bypassCorsPreflight: boolean;
  readonly stripFailureResponse: boolean;
}

/** A route's own choice of a requirement. */
export interface JwtRouteConfig {
  readonly kind: 'jwt_authn_route';
  readonly requirement: string;
}

/** What a request must bring. */
export type JwtRequirementConfig =
  | { readonly kind: 'nothing' | 'allow_missing' | 'allow_missing_or_failed' }
  /** Null audiences: the provider's. */
  | { readonly kind: 'provider'; readonly provider: string; readonly audiences: readonly string[] | null }
  | { readonly kind: 'any' | 'all'; readonly requirements: readonly JwtRequirementConfig[] };

/** One issuer of tokens. */
export interface JwtProviderConfig {
  /** Empty: any. */
  readonly issuer: string;
  /** Empty: any. */
  readonly audiences: readonly string[];
  readonly subjects: StringMatchConfig | null;
  readonly requireExpiration: boolean;
  /** Seconds; null for no limit. */
  readonly maximumLifetimeSeconds: number | null;
  readonly keys: { readonly kind: 'local'; readonly jwks: string } | RemoteJwksConfig;
  readonly forward: boolean;
  readonly fromHeaders: readonly { readonly name: string; readonly prefix: string }[];
  readonly fromParameters: readonly string[];
  readonly fromCookies: readonly string[];
  /** Empty: none. */
  readonly forwardPayloadHeader: string;
  readonly padForwardPayloadHeader: boolean;
  readonly payloadInMetadata: string;
  readonly headerInMetadata: string;
  readonly failedStatusInMetadata: string;
  readonly spaceDelimitedClaims: readonly string[];
  readonly clockSkewSeconds: number;
  readonly cacheSize: number;
  readonly claimToHeaders: readonly { readonly header: string; readonly claim: string }[];
  readonly clearRouteCache: boolean;
}

/** Keys that the proxy fetches through a cluster. */
export interface RemoteJwksConfig {
  readonly kind: 'remote';
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly scheme: string;
  readonly timeoutMilliseconds: number;
  readonly cacheMilliseconds: number;
  /** Fetched when the configuration arrives, and renewed before it is old. */
  readonly early: boolean;
  readonly failedRefetchMilliseconds: number;
  readonly retries: number;
  readonly backoffBaseMilliseconds: number;
  readonly backoffMaximumMilliseconds: number;
}
