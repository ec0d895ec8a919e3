// Chooses a host among those of one membership and health: the priority by its load, the locality by its weight where localities are weighted, the host by
// the policy. One for a cluster, or for each subset of it. What is not used is not made, and what consistent hashing needs is made on first use.
import type { Host } from '../host.ts';
import type { PickContext } from '../pick-context.ts';
import { EdfSchedule } from '../pickers/edf.ts';
import { createHashPicker, createPicker, isConsistent, type WeightedHosts } from '../pickers/create-picker.ts';
import type { HashPicker, Picker } from '../pickers/picker.ts';
import type { BalancerOptions } from './balancer-options.ts';
import type { LocalityGroup, PriorityGroup } from './host-groups.ts';
import { onlyPart, priorityAt, priorityLoad, type LoadPart, type PriorityLoad } from './priority-load.ts';

type Part = 'hosts' | 'healthy' | 'degraded';

/** Pickers of one priority, each made when first asked for. */
interface Pickers {
  readonly hosts?: Picker;
  readonly healthy?: Picker;
  readonly degraded?: Picker;
  hash?: HashPicker;
  localities?: Partial<Record<Part, LocalityPicker | null>>;
}

/** A balancer over fixed hosts. */
export class PriorityBalancer {
  readonly #options: BalancerOptions;
  readonly #groups: readonly PriorityGroup[];
  readonly #load: PriorityLoad;
  /** Spares most picks a draw. */
  readonly #only: LoadPart | null;
  readonly #pickers: { -readonly [K in keyof Pickers]: Pickers[K] }[];
  readonly #consistent: boolean;

  constructor(groups: readonly PriorityGroup[], options: BalancerOptions) {
    this.#options = options;
    this.#groups = groups;
    this.#load = priorityLoad(groups, options.overprovisioningPercent, options.panicThresholdPercent);
    this.#only = onlyPart(this.#load);
    this.#pickers = groups.map(() => ({}));
    this.#consistent = isConsistent(options.policy);
  }

  /** The hosts, for who asks for one by its address. */
  get groups(): readonly PriorityGroup[] {
    return this.#groups;
  }

  /** The load of each priority. */
  get load(): PriorityLoad {
    return this.#load;
  }

  /** A host; those to be avoided are passed over for a bounded number of draws, after which any will do. */
  pick(context: PickContext): Host | null {
    const hash = this.#consistent ? context.hash ?? randomHash(this.#options.random) : 0n;
    let host = this.#draw(hash, 0, context.priority);
    for (let draw = 1; host && draw <= context.hostSelectionAttempts && context.avoid.includes(host); draw += 1) host = this.#draw(hash, draw, context.priority);
    return host;
  }

  #draw(hash: bigint, draw: number, fixed: PickContext['priority']): Host | null {
    const { policy, random, count } = this.#options;
    const { priority, degraded } = fixed ?? this.#only ?? priorityAt(this.#load, 1 + (this.#consistent ? Number(hash % 100n) : Math.floor(random() * 100)));
    const group = this.#groups[priority];
    if (!group) return null;
    const panic = this.#load.panic[priority] ?? false;
    if (panic) count('lb_healthy_panic');
    if (this.#consistent) return this.#hashPicker(priority, group, panic)(hash, draw);
    if (panic) return policy.failTrafficOnPanic ? null : this.#picker(priority, group, 'hosts')();
    const part = degraded ? 'degraded' : 'healthy';
    const byLocality = policy.localityWeighted ? this.#localityPicker(priority, group, part) : null;
    return byLocality ? byLocality.pick() : this.#picker(priority, group, part)();
  }

  #picker(priority: number, group: PriorityGroup, part: Part): Picker {
    const pickers = this.#pickers[priority] ?? {};
    return pickers[part] ??= createPicker(group[part], this.#options);
  }

  #localityPicker(priority: number, { localities }: PriorityGroup, part: Part): LocalityPicker | null {
    const known = (this.#pickers[priority] ?? {}).localities ??= {};
    if (known[part] === undefined) known[part] = LocalityPicker.of(localities, part, this.#options);
    return known[part];
  }

  #hashPicker(priority: number, group: PriorityGroup, panic: boolean): HashPicker {
    const pickers = this.#pickers[priority] ?? {};
    return pickers.hash ??= createHashPicker(weightedHosts(group, panic ? 'hosts' : 'healthy', this.#options.policy.localityWeighted), this.#options);
  }
}

/** Takes turns among localities by weight, each with a picker of its own. */
class LocalityPicker {
  readonly #schedule: EdfSchedule<{ readonly weight: number; readonly pick: Picker }>;

  constructor(localities: readonly { readonly weight: number; readonly pick: Picker }[], random: () => number) {
    this.#schedule = new EdfSchedule(localities, ({ weight }) => weight);
    this.#schedule.skip(Math.floor(random() * localities.length));
  }

  /** Null when no locality has weight and hosts to offer. */
  static of(localities: readonly LocalityGroup[], part: Part, options: BalancerOptions): LocalityPicker | null {
    const able = localities.map((locality) => ({ weight: effectiveWeight(locality, part, options.overprovisioningPercent), locality })).filter(({ weight }) => weight > 0);
    return able.length === 0 ? null : new LocalityPicker(able.map(({ weight, locality }) => ({ weight, pick: createPicker(locality[part], options) })), options.random);
  }

  pick(): Host | null {
    return this.#schedule.next()?.pick() ?? null;
  }
}

/** A locality that lacks healthy hosts gives up part of its load, overprovisioning considered. */
function effectiveWeight(locality: LocalityGroup, part: Part, overprovisioningPercent: number): number {
  const total = locality.hosts.length - locality.excluded;
  if (total <= 0) return 0;
  return locality.weight * Math.min(1, (overprovisioningPercent / 100) * (locality[part].length / total));
}

/** Hosts with their shares of all weight; where localities are weighted, of their locality's share. */
function weightedHosts(group: PriorityGroup, part: Part, localityWeighted: boolean): WeightedHosts {
  const sources = localityWeighted ? group.localities.filter((locality) => locality.weight > 0 && locality[part].length > 0) : [];
  if (sources.length === 0) return shares(group[part], 1);
  const total = sources.reduce((sum, { weight }) => sum + weight, 0);
  return sources.flatMap((locality) => shares(locality[part], locality.weight / total));
}

function shares(hosts: readonly Host[], of: number): WeightedHosts {
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  return hosts.map((host) => ({ host, weight: (host.weight * of) / total }));
}

function randomHash(random: () => number): bigint {
  return (BigInt(Math.floor(random() * 0x1_0000_0000)) << 32n) | BigInt(Math.floor(random() * 0x1_0000_0000));
}
