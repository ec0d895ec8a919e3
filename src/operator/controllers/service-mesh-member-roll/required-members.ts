// Which namespaces a member roll asks for.
import { matchesLabelSelector, type LabelSelector } from '../../../shared/api/meta/index.ts';
import type { Namespace } from '../../../shared/api/core/cluster.ts';
import type { ServiceMeshMemberRoll } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { isSystemNamespace } from '../membership.ts';

/** Namespaces that the roll asks for, sorted; named ones need not exist. */
export function requiredMembers(roll: ServiceMeshMemberRoll, namespaces: Iterable<Namespace>, operatorNamespace: string): string[] {
  const meshNamespace = roll.metadata?.namespace ?? '';
  const named = (roll.spec?.members ?? []).filter((name) => name !== '*');
  const everything = (roll.spec?.members ?? []).includes('*');
  const selectors = (roll.spec?.memberSelectors ?? []) as LabelSelector[];
  const selected: string[] = [];
  for (const namespace of namespaces) {
    const name = namespace.metadata?.name ?? '';
    if (name === operatorNamespace || isSystemNamespace(name)) continue;
    if (everything || selectors.some((selector) => matchesLabelSelector(selector, namespace.metadata?.labels))) selected.push(name);
  }
  return [...new Set([...named, ...selected])].filter((name) => name !== meshNamespace).sort();
}
