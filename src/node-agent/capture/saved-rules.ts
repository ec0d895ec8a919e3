// What iptables-save shows, compared with a plan. The tools print a rule in their own order and numbers, so both sides are brought to one form.
import type { CapturePlan } from './capture-plan.ts';
import { chainsOf, isOwnChain, ruleText, type ObsoleteRules } from './restore-text.ts';

/** How a plan stands in the kernel. */
export type CaptureState = 'absent' | 'same' | 'different';

interface SavedTable {
  readonly name: string;
  readonly chains: string[];
  readonly rules: string[];
}

const TABLES: ReadonlySet<string> = new Set(['nat', 'mangle', 'raw']);

/** Compares what is there with a plan. */
export function captureState(plan: CapturePlan, saved: string): CaptureState {
  const tables = readTables(saved);
  const obsolete = ownRules(tables);
  if (obsolete.chains.length === 0 && obsolete.rules.length === 0) return 'absent';
  const present = new Map<string, string[]>();
  for (const table of tables) {
    for (const rule of table.rules.filter((text) => isOwnChain(chainOf(text)) || isOwnRule(table.name, text))) append(present, `${table.name} ${chainOf(rule)}`, canonicalRule(rule));
  }
  const wanted = new Map<string, string[]>();
  for (const rule of plan.rules) append(wanted, `${rule.table} ${rule.chain}`, canonicalRule(ruleText(rule)));
  const missing = plan.rules.some((rule) => chainsOf([rule]).some((chain) => !obsolete.chains.some((item) => item.table === rule.table && item.chain === chain)));
  const equal = !missing && present.size === wanted.size && [...wanted].every(([chain, rules]) => present.get(chain)?.join('\n') === rules.join('\n'));
  return equal ? 'same' : 'different';
}

/** What there is of any capture, ours or an earlier one: to be taken away. */
export function obsoleteRules(saved: string): ObsoleteRules {
  return ownRules(readTables(saved));
}

function readTables(saved: string): SavedTable[] {
  const tables: SavedTable[] = [];
  for (const line of saved.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*')) tables.push({ name: line.slice(1).trim(), chains: [], rules: [] });
    else if (line.startsWith(':') && table) table.chains.push(line.slice(1).split(' ')[0] ?? '');
    else if (line.startsWith('-A ') && table) table.rules.push(line.trim());
  }
  return tables.filter((table) => TABLES.has(table.name));
}

function ownRules(tables: readonly SavedTable[]): ObsoleteRules {
  return {
    chains: tables.flatMap((table) => table.chains.filter(isOwnChain).map((chain) => ({ table: table.name, chain }))),
    rules: tables.flatMap((table) => table.rules.filter((text) => !isOwnChain(chainOf(text)) && isOwnRule(table.name, text)).map((text) => ({ table: table.name, text }))),
  };
}

const chainOf = (rule: string): string => rule.split(' ')[1] ?? '';

// Rules in the kernel's own chains that capture puts there: a virtual machine's or a node's namespace may hold others, which stay.
const OWN_FORMS: Readonly<Record<string, readonly RegExp[]>> = {
  nat: [/ -[io] \S+ (-d \S+ )?-j RETURN$/],
  mangle: [
    / -[io] \S+ -j RETURN$/, / --ctstate INVALID -j DROP$/, / -o lo (-p tcp )?-m mark --mark \S+ -j RETURN$/,
    / -j MARK --set-x?mark (0x53a|1338)\b/, /-m (conn)?mark --mark \S+ -j CONNMARK --(save|restore)-mark/,
  ],
};

function isOwnRule(table: string, rule: string): boolean {
  const chain = chainOf(rule);
  if (chain !== 'PREROUTING' && chain !== 'OUTPUT') return false;
  return / -j ISTIO_/.test(rule) || (OWN_FORMS[table] ?? []).some((form) => form.test(rule));
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** One form for a rule: conditions sorted, numbers decimal, implied modules left out. */
export function canonicalRule(text: string): string {
  const words = text.split(' ').filter((word) => word !== '');
  const conditions: string[] = [];
  for (let index = 2; index < words.length; ) {
    const negated = words[index] === '!';
    const start = negated ? index + 1 : index;
    let end = start + 1;
    while (end < words.length && !words[end]?.startsWith('-') && words[end] !== '!') end += 1;
    const condition = canonicalCondition(words[start] ?? '', words.slice(start + 1, end).join(' '));
    if (condition !== '') conditions.push(`${negated ? '! ' : ''}${condition}`);
    index = end;
  }
  return `${words[1] ?? ''} ${conditions.sort().join(' ')}`;
}

// `-m tcp` and the like are implied by the conditions that need them; the rest are the tools' other spellings.
const OTHER_NAMES: Readonly<Record<string, string>> = { '--set-xmark': '--set-mark', '--to-port': '--to-ports' };
const IMPLIED = new Set(['-m', '--on-ip', '--nfmask', '--ctmask']);

function canonicalCondition(name: string, value: string): string {
  if (IMPLIED.has(name)) return '';
  const plain = value.replace(/\/0xffffffff$/, '').replace(/0x[0-9a-f]+/gi, (hexadecimal) => String(Number(hexadecimal)));
  const address = (name === '-d' || name === '-s') && !plain.includes('/') ? `${plain}/${plain.includes(':') ? 128 : 32}` : plain;
  return `${OTHER_NAMES[name] ?? name} ${address.split(',').sort().join(',')}`.trim();
}
