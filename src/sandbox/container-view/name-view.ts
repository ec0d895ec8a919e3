// The pod's resolver: names are asked of the cluster DNS with the pod's search domains, as resolv.conf says on a real
// node; what the cluster does not know and looks like a name of the outside is left to the machine's resolver.
import dns from 'node:dns';
import os from 'node:os';
import type { ContainerViewConfig } from './view-config.ts';

type LookupOptions = { family?: number | string; all?: boolean };
type LookupCallback = (error: Error | null, address?: unknown, family?: number) => void;

const DOTS = 5;

/** The full names to try for a name, in order. */
export function candidates(name: string, search: readonly string[]): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  // A name that ends in the cluster's zone is complete: asked first it saves the search.
  return dots >= DOTS || name.endsWith('.cluster.local') ? [name, ...searched] : [...searched, name];
}

/** Changes the look-ups of this process. */
export function viewNames(config: ContainerViewConfig): void {
  const original = dns.lookup as unknown as (name: string, options: LookupOptions, callback: LookupCallback) => void;
  const originalPromise = dns.promises.lookup;
  let resolver: dns.Resolver | undefined;
  const ask = (name: string, found: (addresses: string[] | undefined) => void): void => {
    const known = config.hosts[name];
    if (known !== undefined) { process.nextTick(found, [known]); return; }
    if (!resolver) {
      resolver = new dns.Resolver({ timeout: 2000, tries: 3 });
      resolver.setServers([config.nameServer]);
    }
    const names = candidates(name, config.search);
    const next = (index: number): void => {
      const candidate = names[index];
      if (candidate === undefined) found(undefined);
      else resolver?.resolve4(candidate, (error, addresses) => (error || addresses.length === 0 ? next(index + 1) : found(addresses)));
    };
    next(0);
  };
  const lookup = (name: string, given: unknown, last?: unknown): void => {
    const callback = (typeof given === 'function' ? given : last) as LookupCallback;
    const options: LookupOptions = typeof given === 'object' && given !== null ? given as LookupOptions : typeof given === 'number' ? { family: given } : {};
    if (isLocal(name)) { original(name, options, callback); return; }
    ask(name, (addresses) => {
      const wantsIpv6 = options.family === 6 || options.family === 'IPv6';
      if (addresses && !wantsIpv6) answer(addresses, options, callback);
      else if (!addresses && isOutside(name)) original(name, options, callback);
      else callback(notFound(name));
    });
  };
  const copied = (to: object, from: object): void => {
    for (const symbol of Object.getOwnPropertySymbols(from)) Object.defineProperty(to, symbol, Object.getOwnPropertyDescriptor(from, symbol) as PropertyDescriptor);
  };
  // util.promisify finds on the original how to hand over both address and family.
  copied(lookup, dns.lookup);
  dns.lookup = lookup as unknown as typeof dns.lookup;
  dns.promises.lookup = ((name: string, options: unknown) => {
    if (isLocal(name)) return originalPromise(name, options as never);
    return new Promise<unknown>((resolve, reject) => {
      lookup(name, typeof options === 'object' || typeof options === 'number' ? options : {}, (error: Error | null, address: unknown, family?: number) => {
        if (error) reject(error);
        else resolve(Array.isArray(address) ? address : { address, family });
      });
    });
  }) as unknown as typeof dns.promises.lookup;
  dns.setServers([config.nameServer]);
  os.hostname = () => config.hostname;
}

function isLocal(name: unknown): boolean {
  return typeof name !== 'string' || name === '' || name === 'localhost' || name.includes(':') || /^[\d.]+$/.test(name);
}

function isOutside(name: string): boolean {
  return name.replace(/\.$/, '').includes('.') && !/\.(svc|local)\.?$/.test(name);
}

function answer(addresses: string[], options: LookupOptions, callback: LookupCallback): void {
  if (options.all) callback(null, addresses.map((address) => ({ address, family: 4 })));
  else callback(null, addresses[0], 4);
}

function notFound(name: string): Error {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: name });
}
