// A plan as the input of iptables-restore: what a golden file shows and what the kernel is given, the same text.
import type { CapturePlan, CaptureRule } from './capture-plan.ts';

const BUILT_IN = new Set(['PREROUTING', 'OUTPUT']);

/** The input of `iptables-restore --noflush` for a plan. */
export function restoreText(plan: CapturePlan): string {
  const tables = [...new Set(plan.rules.map((rule) => rule.table))].sort();
  return tables.map((table) => {
    const rules = plan.rules.filter((rule) => rule.table === table);
    return `*${table}\n${chainsOf(rules).map((chain) => `:${chain} - [0:0]\n`).join('')}${rules.map((rule) => `${ruleText(rule)}\n`).join('')}COMMIT\n`;
  }).join('');
}

/** Our own chains in a list of rules: those that rules are added to or jump to. */
export function chainsOf(rules: readonly CaptureRule[]): string[] {
  const named = rules.flatMap((rule) => [rule.chain, rule.target[0] ?? '']);
  return [...new Set(named)].filter((chain) => chain.startsWith('ISTIO_') && !BUILT_IN.has(chain)).sort();
}

/** One rule as iptables writes it. */
export function ruleText(rule: CaptureRule): string {
  return ['-A', rule.chain, ...rule.match, '-j', ...rule.target].join(' ');
}
