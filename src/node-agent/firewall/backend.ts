// Which packet filter a network namespace uses: iptables comes in two kinds that do not see each other's rules, and rules in the wrong one may never be asked.
import type { AddressFamily } from '../capture/index.ts';
import { FirewallError, type RunProgram } from './run-program.ts';

/** nft writes to nf_tables, legacy to the older ip_tables. */
export type Backend = 'nft' | 'legacy';

/** The names of a backend's tools for one family. */
export interface FirewallTools {
  readonly backend: Backend;
  readonly tables: string;
  readonly save: string;
  readonly restore: string;
}

/** Tools by family. */
export function firewallTools(backend: Backend, family: AddressFamily): FirewallTools {
  const tables = `${family === 'IPv6' ? 'ip6tables' : 'iptables'}-${backend}`;
  return { backend, tables, save: `${tables}-save`, restore: `${tables}-restore` };
}

/** What there is in a namespace for one family, by backend; a backend that does not work there is absent. */
export type SavedByBackend = Readonly<Partial<Record<Backend, string>>>;

/** Reads the rules that each backend shows. Reading makes no table. */
export async function readSaved(family: AddressFamily, run: RunProgram): Promise<SavedByBackend> {
  const read = (backend: Backend): Promise<string | undefined> => run(firewallTools(backend, family).save, []).catch(() => undefined);
  const [nft, legacy] = await Promise.all([read('nft'), read('legacy')]);
  return { ...(nft === undefined ? {} : { nft }), ...(legacy === undefined ? {} : { legacy }) };
}

/** Chooses as Istio and kube-proxy do: the one that has rules already, nft first; in an empty namespace nft where the kernel has it. */
export function chooseBackend(saved: SavedByBackend): Backend {
  if (hasRules(saved.nft)) return 'nft';
  if (hasRules(saved.legacy)) return 'legacy';
  if (saved.nft !== undefined) return 'nft';
  if (saved.legacy !== undefined) return 'legacy';
  throw new FirewallError('neither iptables-nft nor iptables-legacy works here: the kernel lacks both, or the capability NET_ADMIN is missing');
}

function hasRules(saved: string | undefined): boolean {
  return saved !== undefined && /^(-A |:\S+ - )/m.test(saved);
}
