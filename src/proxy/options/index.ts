// What the proxy is told from outside.
export { HELP_TEXT, parseArguments, type ProxyCommand } from './arguments.ts';
export type { AppProbe, GrpcProbe, HttpProbe, TcpProbe } from './app-probers.ts';
export { nodeOf, OWN_DATA_PLANE, type NodeDescription } from './node.ts';
export { readProxyOptions, type OptionSources, type ProxyOptions } from './proxy-options.ts';
