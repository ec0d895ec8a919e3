// The agent's HTTP servers: 15020, 15021 and 15090, the same before our own data plane and before an Envoy.
import { HttpServer, type HttpRoute } from '../shared/http/index.ts';
import { agentRoutes, ownAddresses, proxyMetricsRoutes, readinessRoutes, type AgentView } from './admin/index.ts';
import { runProbe } from './app-probe-runner.ts';
import type { ProxyOptions } from './options/index.ts';

/** One HTTP server of the proxy's process. */
export function agentServer(name: string, host: string, port: number, routes: readonly HttpRoute[]): HttpServer {
  return new HttpServer({ name, host, port, routes, bodyLimitBytes: 65_536, stopTimeoutMilliseconds: 1000 });
}

/** The servers of the agent over what it sees of its proxy. */
export function agentServers(options: ProxyOptions, view: AgentView): readonly HttpServer[] {
  const { statusPort, healthPort, prometheusPort, bindAddress, podIps, appAddress, probeTarget, appMetrics, appProbes } = options;
  const probe = (path: string, headers: Parameters<typeof runProbe>[2]): ReturnType<typeof runProbe> | undefined => {
    const known = appProbes[path];
    return known ? runProbe(known, probeTarget, headers) : undefined;
  };
  return [
    agentServer('agent', bindAddress, statusPort, agentRoutes(view, { appAddress, appMetrics, probe, own: ownAddresses(podIps, bindAddress) })),
    agentServer('health', bindAddress, healthPort, readinessRoutes(view)),
    agentServer('metrics', bindAddress, prometheusPort, proxyMetricsRoutes(view)),
  ];
}
