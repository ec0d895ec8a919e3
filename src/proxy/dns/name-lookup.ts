// The mesh's names: which addresses a host of the name table has, under each of the names by which a pod may ask for it. Compiled when a table comes.
import { isIP } from 'node:net';
import type { NameInfoConfig, NameTableConfig } from '../config/index.ts';

/** Who asks: what follows from the pod's namespace and from its resolv.conf. */
export interface AskerContext {
  /** For example `bookinfo.svc.cluster.local`. */
  readonly domain: string;
  readonly namespace: string;
  /** Search domains in order. */
  readonly search: readonly string[];
}

/** What is known of a name. */
export interface KnownName {
  /** The name that the asked one stands for, when a search domain was appended; null when it is its own. */
  readonly alias: string | null;
  readonly ipv4: readonly Buffer[];
  readonly ipv6: readonly Buffer[];
}

interface Addresses { readonly kubernetes: boolean; readonly ipv4: readonly Buffer[]; readonly ipv6: readonly Buffer[] }

/** Answers for the hosts of one table. */
export class NameLookup {
  readonly #names = new Map<string, Addresses>();
  /** By what follows the asterisk, dot included. */
  readonly #wildcards = new Map<string, Addresses>();
  readonly #searchSuffix: string;

  constructor(table: NameTableConfig, asker: AskerContext) {
    this.#searchSuffix = asker.search[0] === undefined ? '' : `.${absolute(asker.search[0])}`;
    const hosts = Object.entries(table.hosts).map(([host, info]) => ({ host, info, addresses: { kubernetes: isKubernetes(info), ipv4: addressBytes(info.addresses, 4), ipv6: addressBytes(info.addresses, 6) } }));
    const kubernetes = hosts.filter(({ addresses }) => addresses.kubernetes);
    // What comes first wins. Any namespace may name any host in a ServiceEntry: that takes no name from a Kubernetes service, neither its full nor its short ones.
    for (const { host, addresses } of kubernetes) this.#add(host, addresses);
    for (const { host, info, addresses } of kubernetes) for (const short of shortNames(host, info, asker)) this.#add(short, addresses);
    for (const { host, addresses } of hosts) if (!addresses.kubernetes) this.#add(host, addresses);
  }

  #add(host: string, addresses: Addresses): void {
    const [names, name] = host.startsWith('*.') ? [this.#wildcards, absolute(host.slice(1))] : [this.#names, absolute(host)];
    if (!names.has(name)) names.set(name, addresses);
  }

  /** Number of names. */
  get size(): number {
    return this.#names.size + this.#wildcards.size;
  }

  /** What is known of `name` (lower case, with a dot at the end); undefined when it is not the mesh's. */
  find(name: string): KnownName | undefined {
    const own = this.#names.get(name);
    if (own?.kubernetes) return known(null, own);
    // Resolvers try the search domains first: answering there spares the client the way through all of them.
    const suffix = this.#searchSuffix;
    const base = suffix !== '' && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length + 1) : '';
    const expanded = base === '' || base === '.' ? undefined : this.#names.get(base) ?? this.#wildcard(base);
    // Nor does a ServiceEntry take a short name by naming what a resolver makes of it.
    if (own && !expanded?.kubernetes) return known(null, own);
    if (expanded) return known(base, expanded);
    const covered = this.#wildcard(name);
    return covered && known(null, covered);
  }

  /** The wildcard that covers `name`: the longest one. */
  #wildcard(name: string): Addresses | undefined {
    if (this.#wildcards.size === 0) return undefined;
    for (let dot = name.indexOf('.'); dot >= 0 && dot < name.length - 1; dot = name.indexOf('.', dot + 1)) {
      const entry = this.#wildcards.get(name.slice(dot));
      if (entry) return entry;
    }
    return undefined;
  }
}

function known(alias: string | null, { ipv4, ipv6 }: Addresses): KnownName {
  return { alias, ipv4, ipv6 };
}

function absolute(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

/** Only hosts of the registry Kubernetes are given a short name and a namespace; those of the registry External have neither. */
function isKubernetes({ shortName, namespace }: NameInfoConfig): boolean {
  return shortName !== '' && namespace !== '';
}

/** The shorter names of a Kubernetes service in the pod's own cluster domain. */
function shortNames(host: string, { shortName, namespace }: NameInfoConfig, asker: AskerContext): string[] {
  const clusterDomain = asker.domain.slice(asker.domain.indexOf('.') + 1);
  if (clusterDomain === '' || !host.endsWith(`.${clusterDomain}`)) return [];
  const kind = clusterDomain.slice(0, Math.max(0, clusterDomain.indexOf('.')));
  return [`${shortName}.${namespace}`, ...(kind === '' ? [] : [`${shortName}.${namespace}.${kind}`]), ...(namespace === asker.namespace ? [shortName] : [])];
}

function addressBytes(addresses: readonly string[], version: 4 | 6): Buffer[] {
  return addresses.filter((address) => isIP(address) === version).map((address) => (version === 4 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)));
}

function ipv6Bytes(address: string): Buffer {
  const plain = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`);
  const [before = '', after] = plain.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups = after === undefined ? head : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}
