// Configurations of filters that need little: buffer, CSRF, header mutation, health check.
import type { HeaderMutationsConfig } from './header-change-config.ts';
import type { HeaderMatchConfig, StringMatchConfig } from './match-config.ts';

/** Holds a request until its body is whole. */
export interface BufferConfig {
  readonly kind: 'buffer';
  readonly maximumBytes: number;
}

/** Refuses requests that change something and come from another origin. */
export interface CsrfConfig {
  readonly kind: 'csrf';
  readonly enabledPerMillion: number;
  readonly shadowPerMillion: number;
  readonly additionalOrigins: readonly StringMatchConfig[];
}

/** Changes headers, each change in its turn. */
export interface HeaderMutationConfig {
  readonly kind: 'header_mutation';
  readonly changes: readonly HeaderMutationsConfig[];
  /** Whether the most specific of several levels has the last word. */
  readonly mostSpecificWins: boolean;
}

/** Answers health checks, by itself or with what the service said last. */
export interface HealthCheckConfig {
  readonly kind: 'health_check';
  readonly passThrough: boolean;
  readonly cacheMilliseconds: number;
  readonly headers: readonly HeaderMatchConfig[];
  /** Percentage of the endpoints that must be healthy, by cluster. */
  readonly minimumHealthy: Readonly<Record<string, number>>;
}
