// The resources that the controllers read and write.
import type { ResourceName } from '../api-server/internal-client.ts';

/** Resources of the API, by group and plural. */
export const PODS: ResourceName = { group: '', resource: 'pods' };
export const NODES: ResourceName = { group: '', resource: 'nodes' };
export const SERVICES: ResourceName = { group: '', resource: 'services' };
export const ENDPOINTS: ResourceName = { group: '', resource: 'endpoints' };
export const ENDPOINT_SLICES: ResourceName = { group: 'discovery.k8s.io', resource: 'endpointslices' };
export const DEPLOYMENTS: ResourceName = { group: 'apps', resource: 'deployments' };
export const REPLICA_SETS: ResourceName = { group: 'apps', resource: 'replicasets' };
export const DAEMON_SETS: ResourceName = { group: 'apps', resource: 'daemonsets' };
export const STATEFUL_SETS: ResourceName = { group: 'apps', resource: 'statefulsets' };
export const JOBS: ResourceName = { group: 'batch', resource: 'jobs' };
export const CRON_JOBS: ResourceName = { group: 'batch', resource: 'cronjobs' };
export const POD_DISRUPTION_BUDGETS: ResourceName = { group: 'policy', resource: 'poddisruptionbudgets' };
export const HORIZONTAL_POD_AUTOSCALERS: ResourceName = { group: 'autoscaling', resource: 'horizontalpodautoscalers' };
