// Chooses among the endpoints whose metadata match what the route asks for, and falls back as configured when there are none. Subsets are made on first use.
import type { SubsetSelectorConfig, SubsetsConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';
import type { PickContext } from '../pick-context.ts';
import { groupHosts, type LocalityHosts } from './host-groups.ts';
import type { BalancerOptions } from './balancer-options.ts';
import { PriorityBalancer } from './priority-balancer.ts';

type Criteria = Readonly<Record<string, string>>;

/** Subsets that are kept: their number comes from routes and endpoints, so it has a bound. */
const MAXIMUM_SUBSETS = 10_000;

/** A balancer over subsets of one membership and health. */
export class SubsetBalancer {
  readonly #config: SubsetsConfig;
  readonly #localities: readonly LocalityHosts[];
  readonly #options: BalancerOptions;
  readonly #whole: PriorityBalancer;
  readonly #subsets = new Map<string, PriorityBalancer | null>();

  constructor(config: SubsetsConfig, localities: readonly LocalityHosts[], whole: PriorityBalancer, options: BalancerOptions) {
    this.#config = config;
    this.#localities = localities;
    this.#whole = whole;
    this.#options = options;
  }

  pick(context: PickContext): Host | null {
    const host = this.#match(context.metadataMatch ?? {}, context);
    if (host || !this.#config.panicModeAny) return host;
    this.#options.count('lb_subsets_fallback_panic');
    return this.#whole.pick(context);
  }

  #match(criteria: Criteria, context: PickContext): Host | null {
    const selector = selectorOf(this.#config, criteria);
    if (selector) {
      const subset = this.#subset(criteria, selector.singleHost);
      if (subset) {
        this.#options.count('lb_subsets_selected');
        return subset.pick(context);
      }
      if (selector.fallback === 'keys_subset') return this.#match(Object.fromEntries(selector.fallbackKeys.map((key) => [key, criteria[key] ?? ''])), context);
      if (selector.fallback !== 'cluster') return this.#fallBack(selector.fallback, context);
    }
    return this.#fallBack(this.#config.fallback, context);
  }

  #fallBack(policy: SubsetsConfig['fallback'], context: PickContext): Host | null {
    if (policy === 'none') return null;
    this.#options.count('lb_subsets_fallback');
    if (policy === 'any') return this.#whole.pick(context);
    return this.#subset(this.#config.defaultSubset, false)?.pick(context) ?? null;
  }

  /** The subset of the hosts that have all of `criteria`; null when there is none. */
  #subset(criteria: Criteria, singleHost: boolean): PriorityBalancer | null {
    const key = JSON.stringify(Object.entries(criteria).sort(([left], [right]) => (left < right ? -1 : 1)));
    let subset = this.#subsets.get(key);
    if (subset === undefined) {
      subset = this.#make(criteria, singleHost);
      if (this.#subsets.size < MAXIMUM_SUBSETS) this.#subsets.set(key, subset);
      if (subset) this.#options.count('lb_subsets_created');
    }
    return subset;
  }

  #make(criteria: Criteria, singleHost: boolean): PriorityBalancer | null {
    const { localityWeightAware, scaleLocalityWeight, listAsAny } = this.#config;
    const single = singleHost ? this.#localities.flatMap(({ hosts }) => hosts).find((host) => matches(host, criteria, listAsAny)) : undefined;
    const include = single ? (host: Host): boolean => host === single : (host: Host): boolean => matches(host, criteria, listAsAny);
    const weight = scaleLocalityWeight ? ({ weight: whole, hosts }: LocalityHosts, kept: number): number => (kept === 0 ? 0 : Math.max(1, Math.round((whole * kept) / hosts.length))) : undefined;
    const groups = groupHosts(this.#localities, include, weight);
    if (groups.every(({ hosts }) => hosts.length === 0)) return null;
    const policy = localityWeightAware ? this.#options.policy : { ...this.#options.policy, localityWeighted: false };
    return new PriorityBalancer(groups, { ...this.#options, policy });
  }
}

/** The selector whose keys are just those of `criteria`. */
function selectorOf({ selectors }: SubsetsConfig, criteria: Criteria): SubsetSelectorConfig | undefined {
  const count = Object.keys(criteria).length;
  return count === 0 ? undefined : selectors.find(({ keys }) => keys.length === count && keys.every((key) => key in criteria));
}

function matches({ endpoint: { labels, labelLists } }: Host, criteria: Criteria, listAsAny: boolean): boolean {
  return Object.entries(criteria).every(([key, value]) => labels[key] === value || (listAsAny && (labelLists?.[key]?.includes(value) ?? false)));
}
