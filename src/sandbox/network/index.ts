// The network of the sandbox: addresses, the service proxy and the cluster DNS.
export { API_SERVER_PORT, DNS_PORT, LOW_PORT_SHIFT, PodAddresses, SLOTS, dnsAddress, nodeAddress, podLoopback } from './addresses.ts';
export { ClusterNames } from './cluster-names.ts';
export { DnsServer } from './dns-server.ts';
export { ServiceProxy } from './service-proxy.ts';
