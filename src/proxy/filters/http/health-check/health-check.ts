// Answers health checks (envoy.filters.http.health_check): by itself, from the health of clusters, or with what the application said last within a time.
import type { HealthCheckConfig } from '../../../config/small-filter-config.ts';
import { compileHeaderMatches } from '../../../route/header-matcher.ts';
import type { HttpFilter, LocalReply } from '../../../stream/filter.ts';
import type { ResponseHeaders } from '../../../stream/header-map.ts';
import type { FilterServices } from '../../services.ts';
import type { HttpFilterInstance } from '../api.ts';

/** Tells a load balancer in front which cluster has answered. */
const CHECKED_CLUSTER = 'x-envoy-upstream-healthchecked-cluster';

interface Kept { status: number; until: number }

/** Makes the filter. */
export function healthCheckFilter(config: HealthCheckConfig, services: FilterServices): HttpFilterInstance {
  const matches = compileHeaderMatches(config.headers);
  const kept: Kept = { status: 0, until: 0 };
  const mark = (headers: ResponseHeaders): void => headers.set(CHECKED_CLUSTER, services.localCluster);
  return (callbacks, headers): HttpFilter | null => {
    if (!matches(headers)) return null;
    const reply = replyOf(config, services, kept);
    return {
      decodeHeaders() {
        if (!reply) return 'continue';
        callbacks.sendLocalReply(reply);
        return 'stop';
      },
      encodeHeaders(response) {
        if (!reply && config.cacheMilliseconds > 0) {
          kept.status = response.status;
          kept.until = services.now() + config.cacheMilliseconds;
        }
        mark(response);
      },
    };
  };
}

/** The answer that is ours; null to ask the application. */
function replyOf({ passThrough, minimumHealthy }: HealthCheckConfig, services: FilterServices, kept: Kept): LocalReply | null {
  if (passThrough) return services.now() < kept.until ? { status: kept.status, body: '', details: 'health_check_cached' } : null;
  for (const [name, minimum] of Object.entries(minimumHealthy)) {
    const problem = problemOf(services, name, minimum);
    if (problem !== null) return { status: 503, body: '', details: problem };
  }
  return { status: 200, body: '', details: 'health_check_ok' };
}

function problemOf(services: FilterServices, name: string, minimum: number): string | null {
  const cluster = services.clusters.get(name);
  if (!cluster) return 'health_check_no_cluster';
  const { hosts } = cluster;
  if (hosts.length === 0) return minimum > 0 ? 'health_check_cluster_empty' : null;
  const healthy = hosts.filter((host) => host.endpoint.health === 'healthy' && !host.ejected).length;
  return healthy * 100 < hosts.length * minimum ? 'health_check_cluster_unhealthy' : null;
}
