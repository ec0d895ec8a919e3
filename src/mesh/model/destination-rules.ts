// Which DestinationRule applies to a host for a client: client namespace, then the service's, then the root namespace.
// Several rules on one host in one namespace are merged: the oldest's policy, every subset once.
import type { Subset } from '../../shared/api/networking/destination-rule.ts';
import { hostCovers, isWildcard } from './host-name.ts';
import { selects } from './policy-selection.ts';
import type { ServiceRecord } from './records.ts';
import type { DestinationRuleRecord, MeshSnapshot } from './snapshot.ts';
import { isVisible } from './visibility.ts';

/** The rules of one namespace. */
type RulesByNamespace = ReadonlyMap<string, readonly DestinationRuleRecord[]>;

const indexes = new WeakMap<readonly DestinationRuleRecord[], RulesByNamespace>();
const merges = new WeakMap<DestinationRuleRecord, Merge[]>();

/** A merged rule and what it was merged from. */
interface Merge {
  readonly others: readonly DestinationRuleRecord[];
  readonly merged: DestinationRuleRecord;
}

/** Clients see different sets of a rule's fellows (exportTo); more of them than this are not remembered. */
const REMEMBERED_MERGES = 8;

/** The client of a look-up. */
export interface RuleClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The rule in force for `service` as `client` sees it. The same object comes back while nothing changes. */
export function destinationRuleFor(snapshot: Pick<MeshSnapshot, 'destinationRules' | 'rootNamespace' | 'meshConfig'>, service: Pick<ServiceRecord, 'host' | 'namespace'>, client: RuleClient): DestinationRuleRecord | undefined {
  const index = indexOf(snapshot.destinationRules);
  const selected = (index.get(client.namespace) ?? []).filter((rule) => rule.spec.workloadSelector && selects(rule.spec.workloadSelector.matchLabels, client.labels));
  for (const [namespace, candidates] of [
    [client.namespace, selected],
    [client.namespace, plain(index.get(client.namespace))],
    [service.namespace, plain(index.get(service.namespace))],
    [snapshot.rootNamespace, plain(index.get(snapshot.rootNamespace))],
  ] as const) {
    const visible = candidates.filter((rule) => isVisible(rule.spec.exportTo?.length ? rule.spec.exportTo : snapshot.meshConfig.defaultDestinationRuleExportTo, namespace, client.namespace));
    const rule = bestRule(visible, service.host);
    if (rule) return rule;
  }
  return undefined;
}

function plain(rules: readonly DestinationRuleRecord[] | undefined): readonly DestinationRuleRecord[] {
  return (rules ?? []).filter((rule) => !rule.spec.workloadSelector);
}

function indexOf(rules: readonly DestinationRuleRecord[]): RulesByNamespace {
  const known = indexes.get(rules);
  if (known) return known;
  const index = new Map<string, DestinationRuleRecord[]>();
  for (const rule of rules) index.set(rule.namespace, [...(index.get(rule.namespace) ?? []), rule]);
  indexes.set(rules, index);
  return index;
}

/** The most specific host wins; rules with that very host are merged. */
function bestRule(rules: readonly DestinationRuleRecord[], host: string): DestinationRuleRecord | undefined {
  let best: DestinationRuleRecord | undefined;
  for (const rule of rules) {
    if (!hostCovers(rule.spec.host, host)) continue;
    if (!best || specificity(rule.spec.host) > specificity(best.spec.host)) best = rule;
  }
  if (!best) return undefined;
  const chosen = best;
  return mergeRules(chosen, rules.filter((rule) => rule !== chosen && rule.spec.host === chosen.spec.host));
}

function specificity(host: string): number {
  return isWildcard(host) ? host.length : Number.MAX_SAFE_INTEGER;
}

/** The oldest rule with the others' subsets added. Kept, so that equal inputs give the same object. */
function mergeRules(first: DestinationRuleRecord, others: readonly DestinationRuleRecord[]): DestinationRuleRecord {
  if (others.length === 0) return first;
  const remembered = merges.get(first) ?? [];
  const known = remembered.find((merge) => merge.others.length === others.length && merge.others.every((rule, index) => rule === others[index]));
  if (known) return known.merged;
  const subsets: Subset[] = [...(first.spec.subsets ?? [])];
  for (const rule of others) for (const subset of rule.spec.subsets ?? []) if (!subsets.some(({ name }) => name === subset.name)) subsets.push(subset);
  const trafficPolicy = first.spec.trafficPolicy ?? others.find((rule) => rule.spec.trafficPolicy)?.spec.trafficPolicy;
  const merged = { ...first, spec: { ...first.spec, subsets, ...(trafficPolicy ? { trafficPolicy } : {}) } };
  merges.set(first, [{ others, merged }, ...remembered].slice(0, REMEMBERED_MERGES));
  return merged;
}
