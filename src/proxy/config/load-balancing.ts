// The load-balancing policy of a cluster.
import { Cluster_LbPolicy, Cluster_RingHashLbConfig_HashFunction, type Cluster, type Cluster_SlowStartConfig } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { Findings } from './findings.ts';
import type { LoadBalancingConfig } from './runtime-config.ts';
import { milliseconds } from './values.ts';

const POLICIES: Readonly<Record<number, LoadBalancingConfig['policy']>> = {
  [Cluster_LbPolicy.ROUND_ROBIN]: 'round_robin', [Cluster_LbPolicy.LEAST_REQUEST]: 'least_request', [Cluster_LbPolicy.RING_HASH]: 'ring_hash',
  [Cluster_LbPolicy.RANDOM]: 'random', [Cluster_LbPolicy.MAGLEV]: 'maglev', [Cluster_LbPolicy.CLUSTER_PROVIDED]: 'cluster_provided',
};

/** How the cluster picks an endpoint. */
export function loadBalancing(message: Cluster, findings: Findings): LoadBalancingConfig {
  const policy = POLICIES[message.lbPolicy ?? 0];
  if (!policy) findings.refuse('lb_policy', 'This load-balancing policy is not supported by this proxy.');
  const config = message.lbConfig;
  const ring = config?.$case === 'ringHashLbConfig' ? config.ringHashLbConfig : undefined;
  if (ring?.hashFunction === Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2) findings.refuse('ring_hash_lb_config.hash_function', 'Only XX_HASH is supported by this proxy.');
  checkCommon(message, findings);
  return {
    policy: policy ?? 'round_robin',
    ringMinimumSize: ring?.minimumRingSize ?? 1024,
    ringMaximumSize: ring?.maximumRingSize ?? 8_388_608,
    ...sizes(config),
    slowStartWindowMilliseconds: milliseconds(slowStart(message)?.slowStartWindow, 0),
    localityWeighted: message.commonLbConfig?.localityConfigSpecifier?.$case === 'localityWeightedLbConfig',
  };
}

function sizes(config: Cluster['lbConfig']): Pick<LoadBalancingConfig, 'leastRequestChoices' | 'maglevTableSize'> {
  return {
    leastRequestChoices: config?.$case === 'leastRequestLbConfig' ? config.leastRequestLbConfig.choiceCount ?? 2 : 2,
    maglevTableSize: config?.$case === 'maglevLbConfig' ? config.maglevLbConfig.tableSize ?? 65_537 : 65_537,
  };
}

function checkCommon(message: Cluster, findings: Findings): void {
  const common = message.commonLbConfig;
  if (common) {
    findings.ignoreFields(common, 'common_lb_config', ['updateMergeWindow', 'ignoreNewHostsUntilFirstHc', 'closeConnectionsOnHostSetChange']);
    findings.refuseFields(common, 'common_lb_config', ['consistentHashingLbConfig', 'overrideHostStatus']);
    if (common.localityConfigSpecifier?.$case === 'zoneAwareLbConfig') findings.ignore('common_lb_config.zone_aware_lb_config', 'Zone-aware routing has no effect in this proxy.');
  }
  const original = message.lbConfig?.$case === 'originalDstLbConfig' ? message.lbConfig.originalDstLbConfig : undefined;
  if (original) findings.refuseFields(original, 'original_dst_lb_config', ['useHttpHeader', 'upstreamPortOverride', 'metadataKey']);
}

function slowStart(message: Cluster): Cluster_SlowStartConfig | undefined {
  const config = message.lbConfig;
  if (config?.$case === 'roundRobinLbConfig') return config.roundRobinLbConfig.slowStartConfig;
  return config?.$case === 'leastRequestLbConfig' ? config.leastRequestLbConfig.slowStartConfig : undefined;
}
