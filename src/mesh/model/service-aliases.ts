// Services of type ExternalName whose name is a service of the registry are aliases of it, as in Istio since 1.21: whoever asks for the alias is sent to the service itself,
// with its endpoints, its mutual TLS and its traffic policy. An ExternalName that leads out of the registry stays a service of its own that DNS resolves.
import type { ServiceRecord } from './records.ts';

/** Makes the records of aliases in `table` point to the host of the service behind them, through other aliases where need be. */
export function resolveAliases(table: Map<string, ServiceRecord>): void {
  const aliases = new Map([...table.values()].flatMap(({ host, aliasOf }) => (aliasOf === undefined ? [] : [[host, aliasOf] as const])));
  if (aliases.size === 0) return;
  const hosts = new Set([...table.values()].map(({ host }) => host));
  for (const [key, record] of table) {
    if (record.aliasOf === undefined) continue;
    const { aliasOf: _unresolved, ...own } = record;
    const target = lastKnown(record.aliasOf, aliases, hosts);
    // Without ports nothing is made of the alias itself.
    table.set(key, target === undefined || target === record.host ? own : { ...own, aliasOf: target, ports: [], external: false });
  }
}

/** The end of a chain of aliases as far as the registry knows it; undefined when it knows nothing of it, or when the chain is a circle. */
function lastKnown(first: string, aliases: ReadonlyMap<string, string>, hosts: ReadonlySet<string>): string | undefined {
  const seen = new Set<string>();
  let last: string | undefined;
  for (let host: string | undefined = first; host !== undefined && hosts.has(host); host = aliases.get(host)) {
    if (seen.has(host)) return undefined;
    seen.add(host);
    last = host;
  }
  return last;
}

/** Gives the host that a host stands for: that of the service behind an alias, else itself. */
export function aliasResolver(table: ReadonlyMap<string, ServiceRecord>): (host: string) => string {
  const aliases = new Map([...table.values()].flatMap(({ host, aliasOf }) => (aliasOf === undefined ? [] : [[host, aliasOf] as const])));
  return (host) => aliases.get(host) ?? host;
}
