// The cluster as tables.
export { checkConfig, istioKind } from './config-table.ts';
export { followSecrets } from './followed-secrets.ts';
export { Ingest, type IngestTables } from './ingest.ts';
export type { GatewayApiTables } from './gateway-api-tables.ts';
export { NamespacedTable } from './namespaced-table.ts';
