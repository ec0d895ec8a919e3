// The cluster as tables.
export { checkConfig, istioKind } from './config-table.ts';
export { Ingest, type IngestTables } from './ingest.ts';
