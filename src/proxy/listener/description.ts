// What the admin endpoint shows of clusters and listeners, as plain data.
import type { ClusterManager } from '../cluster/cluster-manager.ts';
import type { ListenerManager } from './listener-manager.ts';

/** One endpoint of a cluster. */
export interface HostDescription {
  readonly address: string;
  readonly hostname: string;
  readonly health: string;
  readonly ejected: boolean;
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

/** One listener. */
export interface ListenerDescription {
  readonly name: string;
  readonly address: string;
  /** The port in use, which differs from the configured one when that is 0. */
  readonly port: number;
  readonly connections: number;
  readonly draining: boolean;
  readonly warmed: boolean;
}

/** Describes all clusters. */
export function describeClusters(manager: ClusterManager): ClusterDescription[] {
  return [...manager.all()].map((cluster) => ({
    name: cluster.name, warmed: cluster.warmed,
    circuitBreakers: { default: slots(cluster.breakers.default), high: slots(cluster.breakers.high) },
    hosts: cluster.hosts.map((host) => ({
      address: host.addressText, hostname: host.endpoint.hostname, health: host.endpoint.health, ejected: host.ejected, weight: host.endpoint.weight, priority: host.priority, locality: host.locality,
      activeRequests: host.activeRequests, connections: host.connections, requestsTotal: host.requestsTotal, requestsFailed: host.requestsFailed,
    })),
  }));
}

function slots({ connections, pending, requests, retries }: { connections: number; pending: number; requests: number; retries: number }): { connections: number; pending: number; requests: number; retries: number } {
  return { connections, pending, requests, retries };
}

/** Describes all listeners. */
export function describeListeners(manager: ListenerManager): ListenerDescription[] {
  return manager.all().map((listener) => {
    const { address } = listener.config;
    return {
      name: listener.config.name, address: address.kind === 'socket' ? address.address : `internal/${address.listener}`, port: listener.boundPort || (address.kind === 'socket' ? address.port : 0),
      connections: listener.connectionCount, draining: listener.draining, warmed: listener.warmed,
    };
  });
}
