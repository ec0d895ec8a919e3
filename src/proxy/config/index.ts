// From xDS messages to the configuration that the proxy runs.
export { assembleRuntimeConfig, EMPTY_RUNTIME_CONFIG, routeNamesOf, secretNamesOfCluster, secretNamesOfListener, type AcceptedResources, type Assembly } from './assemble.ts';
export { compileCluster } from './cluster.ts';
export { compileEndpoints } from './endpoints.ts';
export { compileExtension, extensionsOfListener } from './extension.ts';
export { compileListener } from './listener.ts';
export { compileNameTable, NAME_TABLE, type NameInfoConfig, type NameTableConfig } from './name-table.ts';
export { compileRoute } from './route.ts';
export { compileSecret, type SecretConfig } from './secret.ts';
export { digestOf } from './digest.ts';
export { ENVOY_DEFAULT_FORMAT } from './access-log.ts';
export type * from './filter-config.ts';
export type * from './http-filter-config.ts';
export type * from './route-config.ts';
export type * from './runtime-config.ts';
