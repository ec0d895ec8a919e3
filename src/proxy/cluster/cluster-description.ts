// What the admin endpoint shows of clusters, as plain data.
import type { ClusterManager } from './cluster-manager.ts';

/** One endpoint of a cluster as shown. */
export interface HostDescription {
  readonly address: string;
  readonly hostname: string;
  readonly health: string;
  readonly ejected: boolean;
  /** What active health checks found. */
  readonly checked: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality: string;
  readonly activeRequests: number;
  readonly connections: number;
  readonly requestsTotal: number;
  readonly requestsFailed: number;
}

/** One cluster. */
export interface ClusterDescription {
  readonly name: string;
  readonly warmed: boolean;
  readonly circuitBreakers: Readonly<Record<'default' | 'high', { readonly connections: number; readonly pending: number; readonly requests: number; readonly retries: number }>>;
  readonly hosts: readonly HostDescription[];
}

/** Describes all clusters. */
export function describeClusters(manager: ClusterManager): ClusterDescription[] {
  return [...manager.all()].map((cluster) => ({
    name: cluster.name, warmed: cluster.warmed,
    circuitBreakers: { default: slots(cluster.breakers.default), high: slots(cluster.breakers.high) },
    hosts: cluster.hosts.map((host) => ({
      address: host.addressText, hostname: host.endpoint.hostname, health: host.endpoint.health, ejected: host.ejected, checked: host.checked, weight: host.endpoint.weight, priority: host.priority, locality: host.locality,
      activeRequests: host.activeRequests, connections: host.connections, requestsTotal: host.requestsTotal, requestsFailed: host.requestsFailed,
    })),
  }));
}

function slots({ connections, pending, requests, retries }: { connections: number; pending: number; requests: number; retries: number }): { connections: number; pending: number; requests: number; retries: number } {
  return { connections, pending, requests, retries };
}
