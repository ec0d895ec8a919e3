// Chooses for a cluster that stands for several: their priorities follow one another in the order of the list, load spills from one to the next by health, and the
// cluster in which the drawn priority lies chooses the host by its own policy.
import type { Cluster, ClusterEnvironment } from '../cluster.ts';
import type { HostReceiver } from '../host.ts';
import type { PickContext } from '../pick-context.ts';
import { loadOfCounts, priorityAt } from './priority-load.ts';

/** The choice among clusters. */
export class AggregateChoice {
  readonly #names: readonly string[];
  readonly #environment: ClusterEnvironment;

  constructor(names: readonly string[], environment: ClusterEnvironment) {
    this.#names = names;
    this.#environment = environment;
  }

  choose(context: PickContext, receiver: HostReceiver, of: Cluster): void {
    const places = this.#names.flatMap((name) => {
      const cluster = this.#environment.find(name);
      return cluster && cluster !== of ? cluster.balancer.groups.map((group, priority) => ({ cluster, priority, group })) : [];
    });
    const counts = places.map(({ group: { hosts, healthy, degraded, excluded } }) => ({ hosts: hosts.length, healthy: healthy.length, degraded: degraded.length, excluded }));
    const load = loadOfCounts(counts, 140, of.config.panicThresholdPercent);
    const drawn = priorityAt(load, 1 + (context.hash === null ? Math.floor(this.#environment.random() * 100) : Number(context.hash % 100n)));
    const place = places[drawn.priority];
    if (place) receiver.onHost(place.cluster.pick({ ...context, priority: { priority: place.priority, degraded: drawn.degraded } }), place.cluster);
    else receiver.onHost(null, of);
  }
}
