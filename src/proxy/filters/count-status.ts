// Counts answers of a cluster by status, under Envoy's names.
import type { Cluster } from '../cluster/cluster.ts';

const CLASSES = ['', 'upstream_rq_1xx', 'upstream_rq_2xx', 'upstream_rq_3xx', 'upstream_rq_4xx', 'upstream_rq_5xx'];

/** Counts one answer. */
export function countStatus(cluster: Cluster, status: number): void {
  cluster.count(CLASSES[Math.floor(status / 100)] ?? 'upstream_rq_unknown');
  cluster.count(`upstream_rq_${status}`);
  cluster.count('upstream_rq_completed');
}
