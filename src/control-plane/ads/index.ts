// Aggregated discovery for proxies.
export { AdsConnection, type TypeStatus } from './ads-connection.ts';
export { shortTypeName } from './ads-metrics.ts';
export { AdsServer, type AdsServerOptions, type CallerIdentity, type IdentifyCaller } from './ads-server.ts';
export { DELTA_AGGREGATED_RESOURCES, STREAM_AGGREGATED_RESOURCES } from './methods.ts';
export type { SecretSource } from './secret-source.ts';
