// The traffic policy in force for one service port and subset: mesh default, rule, port level, subset; and its cluster fields.
import type { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import type { ConnectionPoolSettings, LoadBalancerSettings, OutlierDetection as OutlierSettings, TrafficPolicy } from '../../../shared/api/networking/destination-rule.ts';
import type { CircuitBreakers } from '../../../shared/xds/generated/envoy/config/cluster/v3/circuit_breaker.ts';
import { Cluster_LbPolicy, type Cluster, type Cluster_CommonLbConfig, type Cluster_SlowStartConfig } from '../../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { OutlierDetection } from '../../../shared/xds/generated/envoy/config/cluster/v3/outlier_detection.ts';
import { parseDuration } from '../../../shared/lib/index.ts';
import type { DestinationRuleRecord } from '../../model/snapshot.ts';
import { usesLocalityWeights, type LocalityBalancing } from '../locality-balancing.ts';
import { durationOf, milliseconds, UNLIMITED } from '../xds-values.ts';

/** The blocks of a policy that a cluster is made of. */
export type EffectivePolicy = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls' | 'retryBudget'>;

/** The policy for a port and subset: a port-level entry replaces the rule's own blocks, a subset's blocks overlay both. */
export function effectivePolicy(rule: DestinationRuleRecord | undefined, subset: string, port: number, meshConfig: MeshConfig): EffectivePolicy {
  const subsetPolicy = subset === '' ? undefined : rule?.spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  const base = atPort(rule?.spec.trafficPolicy, port);
  const overlay = atPort(subsetPolicy, port);
  // A retry budget is no setting of a port.
  const retryBudget = subsetPolicy?.retryBudget ?? rule?.spec.trafficPolicy?.retryBudget;
  return { ...defined(meshConfig.defaultTrafficPolicy ?? {}), ...defined(base), ...defined(overlay), ...defined({ retryBudget }) };
}

function atPort(policy: TrafficPolicy | undefined, port: number): EffectivePolicy {
  if (!policy) return {};
  const { loadBalancer, connectionPool, outlierDetection, tls } = policy.portLevelSettings?.find((entry) => entry.port?.number === port) ?? policy;
  return { loadBalancer, connectionPool, outlierDetection, tls };
}

function defined<T extends object>(blocks: T): Partial<T> {
  return Object.fromEntries(Object.entries(blocks).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The balancing fields of a cluster that connects where the client dialled. */
export const PASSTHROUGH_BALANCER: Partial<Cluster> = { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED };

/** The balancing fields of a cluster with endpoints. PASSTHROUGH is not for these: nobody knows there what the client dialled, and Envoy refuses it. */
export function loadBalancerFields(settings: LoadBalancerSettings | undefined): Partial<Cluster> {
  const hash = settings?.consistentHash;
  if (hash?.maglev) return { lbPolicy: Cluster_LbPolicy.MAGLEV, ...(hash.maglev.tableSize ? { lbConfig: { $case: 'maglevLbConfig', maglevLbConfig: { tableSize: hash.maglev.tableSize } } } : {}) };
  if (hash) {
    const minimumRingSize = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? 1024;
    return { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { $case: 'ringHashLbConfig', ringHashLbConfig: { minimumRingSize } } };
  }
  const slowStartConfig = slowStart(settings);
  switch (settings?.simple) {
    case 'RANDOM': return { lbPolicy: Cluster_LbPolicy.RANDOM };
    case 'ROUND_ROBIN': return { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN, ...(slowStartConfig ? { lbConfig: { $case: 'roundRobinLbConfig', roundRobinLbConfig: { slowStartConfig } } } : {}) };
    default: return { lbPolicy: Cluster_LbPolicy.LEAST_REQUEST, ...(slowStartConfig ? { lbConfig: { $case: 'leastRequestLbConfig', leastRequestLbConfig: { slowStartConfig } } } : {}) };
  }
}

function slowStart(settings: LoadBalancerSettings | undefined): Cluster_SlowStartConfig | undefined {
  const window = durationOf(settings?.warmup?.duration ?? settings?.warmupDurationSecs);
  if (!window) return undefined;
  const { minimumPercent, aggression } = settings?.warmup ?? {};
  return {
    slowStartWindow: window,
    ...(aggression !== undefined ? { aggression: { defaultValue: aggression, runtimeKey: 'istio.warmup.aggression' } } : {}),
    ...(minimumPercent !== undefined ? { minWeightPercent: { value: minimumPercent } } : {}),
  };
}

/** Limits of a cluster; absent ones are unlimited, as in Istio. A retry budget takes the place of a number of retries. */
export function circuitBreakers(pool: ConnectionPoolSettings | undefined, retryBudget?: TrafficPolicy['retryBudget']): CircuitBreakers {
  const limit = (value: number | undefined): number => (value && value > 0 ? value : UNLIMITED);
  return {
    thresholds: [{
      maxConnections: limit(pool?.tcp?.maxConnections),
      maxPendingRequests: limit(pool?.http?.http1MaxPendingRequests),
      maxRequests: limit(pool?.http?.http2MaxRequests),
      maxRetries: limit(pool?.http?.maxRetries),
      trackRemaining: true,
      ...(retryBudget ? { retryBudget: { budgetPercent: { value: retryBudget.percent ?? 20 }, minRetryConcurrency: retryBudget.minRetryConcurrency ?? 3 } } : {}),
    }],
  };
}

/** How health and locality enter the choice. Panic is off beside outlier detection unless a minimum health is given. */
export function commonLbFields({ outlierDetection }: EffectivePolicy, balancing: LocalityBalancing | undefined): Partial<Cluster> {
  const common: Cluster_CommonLbConfig = {
    ...(outlierDetection ? { healthyPanicThreshold: { value: outlierDetection.minHealthPercent ?? 0 } } : {}),
    ...(usesLocalityWeights(balancing) ? { localityConfigSpecifier: { $case: 'localityWeightedLbConfig', localityWeightedLbConfig: {} } } : {}),
  };
  return Object.keys(common).length > 0 ? { commonLbConfig: common } : {};
}

/** Outlier detection of a cluster. Success-rate ejection stays off. */
export function outlierFields(settings: OutlierSettings | undefined): Partial<Cluster> {
  if (!settings) return {};
  const consecutive5xx = settings.consecutive5xxErrors ?? (settings.consecutiveErrors && settings.consecutiveErrors > 0 ? settings.consecutiveErrors : undefined);
  const gateway = settings.consecutiveGatewayErrors;
  const interval = durationOf(settings.interval);
  const baseEjectionTime = durationOf(settings.baseEjectionTime);
  const outlierDetection: OutlierDetection = {
    enforcingSuccessRate: 0,
    ...(consecutive5xx !== undefined ? { consecutive5xx, enforcingConsecutive5xx: consecutive5xx > 0 ? 100 : 0 } : {}),
    ...(gateway !== undefined ? { consecutiveGatewayFailure: gateway, enforcingConsecutiveGatewayFailure: gateway > 0 ? 100 : 0 } : {}),
    ...(interval ? { interval } : {}),
    ...(baseEjectionTime ? { baseEjectionTime } : {}),
    ...(settings.maxEjectionPercent ? { maxEjectionPercent: settings.maxEjectionPercent } : {}),
    ...(settings.splitExternalLocalOriginErrors
      ? { splitExternalLocalOriginErrors: true, ...(settings.consecutiveLocalOriginFailures !== undefined ? { consecutiveLocalOriginFailure: settings.consecutiveLocalOriginFailures, enforcingConsecutiveLocalOriginFailure: 100 } : {}) }
      : {}),
  };
  return { outlierDetection };
}

/** Connection fields of a cluster. */
export function connectionFields(pool: ConnectionPoolSettings | undefined, meshConfig: MeshConfig): Partial<Cluster> {
  const keepalive = pool?.tcp?.tcpKeepalive ?? meshConfig.tcpKeepalive;
  const seconds = (text: string | undefined): number | undefined => {
    const value = parseDuration(text);
    return value === undefined ? undefined : Math.round(value / 1000);
  };
  return {
    connectTimeout: durationOf(pool?.tcp?.connectTimeout) ?? durationOf(meshConfig.connectTimeout) ?? milliseconds(10_000),
    ...(keepalive ? { upstreamConnectionOptions: { tcpKeepalive: { keepaliveProbes: keepalive.probes, keepaliveTime: seconds(keepalive.time), keepaliveInterval: seconds(keepalive.interval) } } } : {}),
  };
}
