// Chooses for a cluster that stands for several: their priorities follow one another in the order of the list, load spills from one to the next by health, and the
// cluster in which the drawn priority lies chooses the host by its own policy.
import type { Host } from '../host.ts';
import type { PickContext } from '../pick-context.ts';
import type { PriorityBalancer } from './priority-balancer.ts';
import { loadOfCounts, priorityAt } from './priority-load.ts';

/** A cluster as far as an aggregate needs it. */
export interface AggregateMember {
  readonly balancer: PriorityBalancer;
  pick(context: PickContext): Host | null;
}

/** The cluster that serves and its host; null when none of `members` has a priority. */
export function chooseAmong<C extends AggregateMember>(members: readonly C[], panicThresholdPercent: number, context: PickContext, random: () => number): { readonly cluster: C; readonly host: Host | null } | null {
  const places = members.flatMap((cluster) => cluster.balancer.groups.map((group, priority) => ({ cluster, priority, group })));
  const counts = places.map(({ group: { hosts, healthy, degraded, excluded } }) => ({ hosts: hosts.length, healthy: healthy.length, degraded: degraded.length, excluded }));
  const drawn = priorityAt(loadOfCounts(counts, 140, panicThresholdPercent), 1 + (context.hash === null ? Math.floor(random() * 100) : Number(context.hash % 100n)));
  const place = places[drawn.priority];
  if (!place) return null;
  return { cluster: place.cluster, host: place.cluster.pick({ ...context, priority: { priority: place.priority, degraded: drawn.degraded } }) };
}
