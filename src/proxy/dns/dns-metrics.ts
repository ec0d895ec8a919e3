// What the DNS server counted, in Prometheus' text format, under the names of Istio's agent.
import type { StatsStore } from '../stream/stats-store.ts';

const COUNTERS = [
  ['requests', 'istio_agent_dns_requests_total'], ['answered', 'istio_agent_dns_mesh_answers_total'], ['malformed', 'istio_agent_dns_malformed_requests_total'],
  ['upstream_requests', 'istio_agent_dns_upstream_requests_total'], ['upstream_failures', 'istio_agent_dns_upstream_failures_total'],
] as const;

/** The lines. */
export function dnsMetricLines(stats: StatsStore): readonly string[] {
  const { sum, count } = stats.histogram('dns.upstream_request_duration');
  const duration = 'istio_agent_dns_upstream_request_duration_seconds';
  return [
    ...COUNTERS.flatMap(([name, metric]) => [`# TYPE ${metric} counter`, `${metric} ${stats.counter(`dns.${name}`).value}`]),
    `# TYPE ${duration} summary`, `${duration}_sum ${sum / 1000}`, `${duration}_count ${count}`,
  ];
}
