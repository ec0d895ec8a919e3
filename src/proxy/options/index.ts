// What the proxy is told from outside.
export { HELP_TEXT, parseArguments, type ProxyCommand } from './arguments.ts';
export type { AppProbe, GrpcProbe, HttpProbe, TcpProbe } from './app-probers.ts';
export { nodeOf, OWN_DATA_PLANE, type NodeDescription } from './node.ts';
export type { ApplicationAddress } from './pod-addresses.ts';
export { readProxyOptions, type DnsOptions, type OptionSources, type ProxyOptions } from './proxy-options.ts';
