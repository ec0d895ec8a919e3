// The DNS server of a captured pod as its options describe it. Made by the proxy's process.
import { createLogger } from '../shared/observability/index.ts';
import { DnsServer, parseResolverConfiguration } from './dns/index.ts';
import type { ProxyOptions } from './options/index.ts';
import type { StatsStore } from './stream/stats-store.ts';

const DNS_PORT = 53;

/** The server; null where DNS is not captured. */
export function capturedDns({ dns, domain, podNamespace }: ProxyOptions, stats: StatsStore): DnsServer | null {
  if (!dns) return null;
  const { servers, search } = parseResolverConfiguration(dns.resolverText);
  if (servers.length === 0) createLogger('dns').warn({}, 'resolv.conf names no name server; names outside the mesh are not resolved');
  return new DnsServer({ addresses: dns.addresses, port: dns.port, resolvers: servers.map((address) => ({ address, port: DNS_PORT })), asker: { domain, namespace: podNamespace, search }, stats });
}
