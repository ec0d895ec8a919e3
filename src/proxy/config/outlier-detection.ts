// Outlier detection and circuit breakers of a cluster as plain data, with Envoy's defaults.
import type { CircuitBreakers, CircuitBreakers_Thresholds_RetryBudget } from '../../shared/xds/generated/envoy/config/cluster/v3/circuit_breaker.ts';
import type { OutlierDetection } from '../../shared/xds/generated/envoy/config/cluster/v3/outlier_detection.ts';
import { RoutingPriority } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Findings } from './findings.ts';
import type { CircuitBreakerConfig, OutlierDetectionConfig } from './runtime-config.ts';
import { milliseconds } from './values.ts';

const NO_LIMIT = 4_294_967_295;

/** The limits of one routing priority: the first threshold of it counts. */
export function circuitBreaker(message: CircuitBreakers | undefined, priority: RoutingPriority, findings: Findings): CircuitBreakerConfig {
  const index = (message?.thresholds ?? []).findIndex((candidate) => (candidate.priority ?? RoutingPriority.DEFAULT) === priority);
  const threshold = message?.thresholds?.[index] ?? {};
  if (threshold.maxConnectionPools !== undefined) findings.refuse(`circuit_breakers.thresholds[${index}].max_connection_pools`, 'Pools are not limited by this proxy. Remove the field.');
  const { maxConnections = 1024, maxPendingRequests = 1024, maxRequests = 1024, maxRetries = 3, trackRemaining = false } = threshold;
  return {
    maximumConnections: maxConnections, maximumPendingRequests: maxPendingRequests, maximumRequests: maxRequests, maximumRetries: maxRetries, trackRemaining,
    retryBudget: retryBudget(threshold.retryBudget), maximumConnectionsPerHost: connectionsPerHost(message, priority, findings),
  };
}

function retryBudget(budget: CircuitBreakers_Thresholds_RetryBudget | undefined): CircuitBreakerConfig['retryBudget'] {
  return budget ? { percent: budget.budgetPercent ? budget.budgetPercent.value ?? 0 : 20, minimumConcurrency: budget.minRetryConcurrency ?? 3 } : null;
}

function connectionsPerHost(message: CircuitBreakers | undefined, priority: RoutingPriority, findings: Findings): number {
  const threshold = (message?.perHostThresholds ?? []).find((candidate) => (candidate.priority ?? RoutingPriority.DEFAULT) === priority);
  if (threshold) findings.refuseFields(threshold, 'circuit_breakers.per_host_thresholds', ['maxPendingRequests', 'maxRequests', 'maxRetries', 'retryBudget', 'maxConnectionPools']);
  return threshold?.maxConnections ?? NO_LIMIT;
}

/** Outlier detection. */
export function outlierDetection(message: OutlierDetection, findings: Findings): OutlierDetectionConfig {
  findings.refuseFields(message, 'outlier_detection', ['monitors']);
  const base = milliseconds(message.baseEjectionTime, 30_000);
  return {
    ...consecutiveRules(message),
    successRate: {
      enforcingPercent: message.enforcingSuccessRate ?? 100, enforcingLocalOriginPercent: message.enforcingLocalOriginSuccessRate ?? 100,
      minimumHosts: message.successRateMinimumHosts ?? 5, requestVolume: message.successRateRequestVolume ?? 100, standardDeviationFactor: (message.successRateStdevFactor ?? 1900) / 1000,
    },
    failurePercentage: {
      enforcingPercent: message.enforcingFailurePercentage ?? 0, enforcingLocalOriginPercent: message.enforcingFailurePercentageLocalOrigin ?? 0,
      minimumHosts: message.failurePercentageMinimumHosts ?? 5, requestVolume: message.failurePercentageRequestVolume ?? 50, thresholdPercent: message.failurePercentageThreshold ?? 85,
    },
    intervalMilliseconds: milliseconds(message.interval, 10_000),
    baseEjectionMilliseconds: base,
    maximumEjectionMilliseconds: milliseconds(message.maxEjectionTime, Math.max(300_000, base)),
    maximumEjectionPercent: message.maxEjectionPercent ?? 10,
    alwaysEjectOne: message.alwaysEjectOneHost ?? false,
    ejectionJitterMilliseconds: milliseconds(message.maxEjectionTimeJitter, 0),
    successfulHealthCheckUnejects: message.successfulActiveHealthCheckUnejectHost ?? true,
  };
}

type ConsecutiveRules = Pick<OutlierDetectionConfig, 'consecutive5xx' | 'enforcingConsecutive5xxPercent' | 'consecutiveGatewayFailure' | 'enforcingConsecutiveGatewayFailurePercent' | 'splitExternalLocalOriginErrors' | 'consecutiveLocalOriginFailure' | 'enforcingConsecutiveLocalOriginFailurePercent'>;

function consecutiveRules(message: OutlierDetection): ConsecutiveRules {
  return {
    consecutive5xx: message.consecutive5xx ?? 5,
    enforcingConsecutive5xxPercent: message.enforcingConsecutive5xx ?? 100,
    consecutiveGatewayFailure: message.consecutiveGatewayFailure ?? 5,
    enforcingConsecutiveGatewayFailurePercent: message.enforcingConsecutiveGatewayFailure ?? 0,
    splitExternalLocalOriginErrors: message.splitExternalLocalOriginErrors ?? false,
    consecutiveLocalOriginFailure: message.consecutiveLocalOriginFailure ?? 5,
    enforcingConsecutiveLocalOriginFailurePercent: message.enforcingConsecutiveLocalOriginFailure ?? 100,
  };
}
