// DNS of captured pods: the mesh's names are answered here, all others by the machine's own name servers.
export { dnsMetricLines } from './dns-metrics.ts';
export { DnsServer, type DnsServerOptions } from './dns-server.ts';
export { parseResolverConfiguration, type ResolverConfiguration } from './resolver-configuration.ts';
export type { Resolver } from './forwarder.ts';
