// The hosts of a cluster by priority and locality, parted by health. Made anew when membership or health changes; called by the balancers.
import type { Host } from '../host.ts';

/** A locality's weight and hosts, as discovery gives them. */
export interface LocalityHosts {
  readonly locality: string;
  readonly priority: number;
  /** 0 where none is given: such a locality gets nothing where localities are weighted. */
  readonly weight: number;
  readonly hosts: readonly Host[];
}

/** Hosts parted by health. */
export interface HostsByHealth {
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Hosts that count for nothing, neither among the healthy nor among all: they wait for their first health check, or asked to be left out. */
  readonly excluded: number;
}

/** A locality of one priority. */
export interface LocalityGroup extends HostsByHealth { readonly weight: number }

/** All hosts of one priority. */
export interface PriorityGroup extends HostsByHealth { readonly localities: readonly LocalityGroup[] }

/** The priorities from 0 on; one that has no locality is there and empty. With `include`, only hosts that it takes; `weight` then may change a locality's weight. */
export function groupHosts(localities: readonly LocalityHosts[], include?: (host: Host) => boolean, weight: (locality: LocalityHosts, kept: number) => number = (locality) => locality.weight): PriorityGroup[] {
  const count = Math.max(0, ...localities.map((locality) => locality.priority + 1));
  return Array.from({ length: count }, (_unused, priority) => {
    const own = localities.filter((locality) => locality.priority === priority).map((locality): LocalityGroup => {
      const hosts = include ? locality.hosts.filter(include) : locality.hosts;
      return { weight: weight(locality, hosts.length), ...byHealth(hosts) };
    });
    return { localities: own, ...byHealth(own.flatMap(({ hosts }) => hosts)) };
  });
}

function byHealth(hosts: readonly Host[]): HostsByHealth {
  return { hosts, healthy: hosts.filter((host) => host.healthy), degraded: hosts.filter((host) => host.degraded), excluded: hosts.filter((host) => host.excluded).length };
}
