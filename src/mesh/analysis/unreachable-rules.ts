// IST0130: a rule of a virtual service stands behind one that takes every request.
import type { VirtualServiceRecord } from '../model/snapshot.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';

/** Finds rules that no request can reach. */
export const unreachableRules: Analyzer = {
  codes: ['IST0130'],
  analyze: (snapshot) => snapshot.virtualServices.flatMap((record) => {
    const rules = record.spec.http ?? [];
    const last = rules.findIndex(takesAll);
    if (last === -1) return [];
    return rules.slice(last + 1).map((_rule, offset) => finding('IST0130', 'warning', referenceTo(record), `spec.http[${last + 1 + offset}]`,
      `VirtualService rule #${last + 1 + offset} not used: rule #${last} before it takes every request. Move it in front of that rule.`));
  }),
};

type HttpRule = NonNullable<VirtualServiceRecord['spec']['http']>[number];

/** A rule without a match, or with a match without a condition, takes every request. */
function takesAll(rule: HttpRule): boolean {
  const matches = rule.match ?? [];
  return matches.length === 0 || matches.some((match) => Object.keys(match).every((field) => field === 'name' || match[field as keyof typeof match] === undefined));
}
