// The load-balancing policy of a cluster.
import {
  Cluster_LbPolicy, Cluster_RingHashLbConfig_HashFunction, type Cluster, type Cluster_CommonLbConfig, type Cluster_SlowStartConfig,
} from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { HealthStatus } from '../../shared/xds/generated/envoy/config/core/v3/health_check.ts';
import { healthOf } from './endpoints.ts';
import type { Findings } from './findings.ts';
import type { ClusterConfig, LoadBalancingConfig, SlowStartConfig } from './runtime-config.ts';
import { subsets } from './subsets.ts';
import { milliseconds } from './values.ts';

const POLICIES: Readonly<Record<number, LoadBalancingConfig['policy']>> = {
  [Cluster_LbPolicy.ROUND_ROBIN]: 'round_robin', [Cluster_LbPolicy.LEAST_REQUEST]: 'least_request', [Cluster_LbPolicy.RING_HASH]: 'ring_hash',
  [Cluster_LbPolicy.RANDOM]: 'random', [Cluster_LbPolicy.MAGLEV]: 'maglev', [Cluster_LbPolicy.CLUSTER_PROVIDED]: 'cluster_provided',
};

/** How the cluster picks an endpoint. */
export function loadBalancing(message: Cluster, findings: Findings): LoadBalancingConfig {
  const policy = POLICIES[message.lbPolicy ?? 0];
  if (!policy) findings.refuse('lb_policy', 'This load-balancing policy is not supported by this proxy.');
  const common = message.commonLbConfig;
  checkCommon(common, findings);
  const locality = common?.localityConfigSpecifier;
  return {
    policy: policy ?? 'round_robin',
    ...ringParts(message.lbConfig, findings),
    ...sizes(message.lbConfig),
    hashByHostname: common?.consistentHashingLbConfig?.useHostnameForHashing ?? false,
    hashBalancePercent: hashBalance(common, findings),
    slowStart: slowStart(slowStartOf(message), findings),
    localityWeighted: locality?.$case === 'localityWeightedLbConfig',
    failTrafficOnPanic: locality?.$case === 'zoneAwareLbConfig' && (locality.zoneAwareLbConfig.failTrafficOnPanic ?? false),
    subsets: subsets(message.lbSubsetConfig, findings),
    overrideStatuses: overrideStatuses(common?.overrideHostStatus?.statuses),
  };
}

/** Healthy and degraded ones unless the cluster says otherwise. */
function overrideStatuses(statuses: readonly HealthStatus[] | undefined): LoadBalancingConfig['overrideStatuses'] {
  return statuses && statuses.length > 0 ? [...new Set(statuses.map(healthOf))] : ['healthy', 'degraded'];
}

function ringParts(config: Cluster['lbConfig'], findings: Findings): Pick<LoadBalancingConfig, 'ringMinimumSize' | 'ringMaximumSize' | 'ringHashFunction'> {
  const ring = config?.$case === 'ringHashLbConfig' ? config.ringHashLbConfig : {};
  const { minimumRingSize = 1024, maximumRingSize = 8_388_608, hashFunction } = ring;
  if (minimumRingSize > maximumRingSize) findings.refuse('ring_hash_lb_config', `The minimum ring size (${minimumRingSize}) is larger than the maximum (${maximumRingSize}).`);
  if (maximumRingSize > 8_388_608) findings.refuse('ring_hash_lb_config.maximum_ring_size', 'A ring has 8388608 places at most.');
  return { ringMinimumSize: minimumRingSize, ringMaximumSize: maximumRingSize, ringHashFunction: hashFunction === Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2 ? 'murmur_hash_2' : 'xx_hash' };
}

function sizes(config: Cluster['lbConfig']): Pick<LoadBalancingConfig, 'leastRequestChoices' | 'activeRequestBias' | 'maglevTableSize'> {
  return {
    leastRequestChoices: config?.$case === 'leastRequestLbConfig' ? config.leastRequestLbConfig.choiceCount ?? 2 : 2,
    activeRequestBias: config?.$case === 'leastRequestLbConfig' ? config.leastRequestLbConfig.activeRequestBias?.defaultValue ?? 1 : 1,
    maglevTableSize: config?.$case === 'maglevLbConfig' ? config.maglevLbConfig.tableSize ?? 65_537 : 65_537,
  };
}

function checkCommon(common: Cluster_CommonLbConfig | undefined, findings: Findings): void {
  if (!common) return;
  findings.ignoreFields(common, 'common_lb_config', ['updateMergeWindow', 'closeConnectionsOnHostSetChange']);
  findings.refuseFields(common, 'common_lb_config', ['ignoreNewHostsUntilFirstHc']);
  const locality = common.localityConfigSpecifier;
  // Envoy too routes by zone only where its bootstrap names the cluster that it is a member of itself.
  if (locality?.$case === 'zoneAwareLbConfig') findings.ignoreFields(locality.zoneAwareLbConfig, 'common_lb_config.zone_aware_lb_config', ['routingEnabled', 'minClusterSize']);
}

function hashBalance(common: Cluster_CommonLbConfig | undefined, findings: Findings): number {
  const percent = common?.consistentHashingLbConfig?.hashBalanceFactor ?? 0;
  if (percent !== 0 && percent < 100) findings.refuse('common_lb_config.consistent_hashing_lb_config.hash_balance_factor', 'The factor must be 100 or more.');
  return percent;
}

/** Where a connection to its original destination is led away from it. */
export function originalDestination(message: Cluster, findings: Findings): ClusterConfig['originalDestination'] {
  const config = message.lbConfig?.$case === 'originalDstLbConfig' ? message.lbConfig.originalDstLbConfig : undefined;
  if (config) findings.refuseFields(config, 'original_dst_lb_config', ['metadataKey']);
  return {
    header: config?.useHttpHeader ? (config.httpHeaderName || 'x-envoy-original-dst-host').toLowerCase() : null,
    portOverride: config?.upstreamPortOverride ?? null,
  };
}

function slowStart(config: Cluster_SlowStartConfig | undefined, findings: Findings): SlowStartConfig | null {
  const windowMilliseconds = milliseconds(config?.slowStartWindow, 0);
  if (windowMilliseconds <= 0) return null;
  const aggression = config?.aggression?.defaultValue ?? 1;
  if (aggression <= 0) findings.refuse('slow_start_config.aggression', 'The aggression must be larger than 0.');
  return { windowMilliseconds, aggression, minimumPercent: config?.minWeightPercent ? config.minWeightPercent.value ?? 0 : 10 };
}

function slowStartOf(message: Cluster): Cluster_SlowStartConfig | undefined {
  const config = message.lbConfig;
  if (config?.$case === 'roundRobinLbConfig') return config.roundRobinLbConfig.slowStartConfig;
  return config?.$case === 'leastRequestLbConfig' ? config.leastRequestLbConfig.slowStartConfig : undefined;
}
