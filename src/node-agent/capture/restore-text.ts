// A plan as the input of iptables-restore: what a golden file shows and what the kernel is given, the same text.
import type { CapturePlan } from './capture-plan.ts';
import type { CaptureRule } from './rule.ts';

const TABLES: readonly CaptureRule['table'][] = ['mangle', 'nat', 'raw'];

/** Rules of an earlier capture that go in the same step: the text of each as the kernel showed it, by table, and the chains that were ours. */
export interface ObsoleteRules {
  readonly rules: readonly { readonly table: string; readonly text: string }[];
  readonly chains: readonly { readonly table: string; readonly chain: string }[];
}

const NOTHING: ObsoleteRules = { rules: [], chains: [] };

/** The input of `iptables-restore --noflush` that puts a plan in place of what is obsolete, each table in one step. */
export function restoreText(plan: Pick<CapturePlan, 'rules'>, obsolete: ObsoleteRules = NOTHING): string {
  return TABLES.map((table) => tableText(table, plan.rules.filter((rule) => rule.table === table), obsolete)).join('');
}

function tableText(table: string, rules: readonly CaptureRule[], obsolete: ObsoleteRules): string {
  const wanted = chainsOf(rules);
  const former = obsolete.chains.filter((item) => item.table === table).map((item) => item.chain);
  const unwanted = former.filter((chain) => !wanted.includes(chain));
  const lines = [
    // Declaring a chain empties one that is there.
    ...[...new Set([...wanted, ...former])].map((chain) => `:${chain} - [0:0]`),
    ...obsolete.rules.filter((item) => item.table === table).map((item) => item.text.replace(/^-A /, '-D ')),
    ...rules.map(ruleText),
    ...unwanted.map((chain) => `-X ${chain}`),
  ];
  return lines.length === 0 ? '' : `*${table}\n${lines.map((line) => `${line}\n`).join('')}COMMIT\n`;
}

/** Our own chains in a list of rules: those that rules are added to or jump to. */
export function chainsOf(rules: readonly CaptureRule[]): string[] {
  const named = rules.flatMap((rule) => [rule.chain, rule.target[0] ?? '']);
  return [...new Set(named)].filter(isOwnChain).sort();
}

/** Whether a chain is one that capture makes. */
export function isOwnChain(chain: string): boolean {
  return chain.startsWith('ISTIO_');
}

/** One rule as iptables writes it. */
export function ruleText(rule: CaptureRule): string {
  return ['-A', rule.chain, ...rule.match, '-j', ...rule.target].join(' ');
}
