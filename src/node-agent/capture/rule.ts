// One packet filter rule as data, the facts of each address family, and the few words that all rules are made of.

/** Address families, each with rules of its own. */
export type AddressFamily = 'IPv4' | 'IPv6';

/** One rule at the end of a chain. */
export interface CaptureRule {
  readonly table: 'nat' | 'mangle' | 'raw';
  readonly chain: string;
  readonly match: readonly string[];
  readonly target: readonly string[];
}

/** One address, policy rule or route: the words after `ip address add`, `ip rule add` or `ip route add`. */
export interface RoutePlan {
  readonly object: 'address' | 'rule' | 'route';
  readonly words: readonly string[];
}

/** What differs between the families. */
export interface FamilyFacts {
  readonly name: AddressFamily;
  readonly loopback: string;
  /** Source address of the proxy's own inbound connections to the application. */
  readonly passthrough: string;
  /** Prefix length of one address. */
  readonly bits: number;
}

/** Facts by family. */
export const families: Readonly<Record<AddressFamily, FamilyFacts>> = {
  IPv4: { name: 'IPv4', loopback: '127.0.0.1/32', passthrough: '127.0.0.6/32', bits: 32 },
  IPv6: { name: 'IPv6', loopback: '::1/128', passthrough: '::6/128', bits: 128 },
};

/** A rule of the table nat. */
export const nat = (chain: string, match: readonly string[], ...target: string[]): CaptureRule => ({ table: 'nat', chain, match, target });
/** A rule of the table mangle. */
export const mangle = (chain: string, match: readonly string[], ...target: string[]): CaptureRule => ({ table: 'mangle', chain, match, target });
/** A rule of the table raw. */
export const raw = (chain: string, match: readonly string[], ...target: string[]): CaptureRule => ({ table: 'raw', chain, match, target });
/** Matches TCP. */
export const tcp = ['-p', 'tcp'] as const;
/** Matches TCP to a port. */
export const tcpPort = (port: string): string[] => [...tcp, '--dport', port];

/** Those of `ranges` that are of the family. */
export function hasFamily(ranges: readonly string[], { name }: FamilyFacts): string[] {
  return ranges.filter((range) => range.includes(':') === (name === 'IPv6'));
}
