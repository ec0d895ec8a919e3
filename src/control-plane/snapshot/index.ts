// Snapshots of the mesh, built from ingest's tables.
export { Debouncer, type ChangeScope, type DebounceLimits } from './debouncer.ts';
export { SnapshotPublisher, type PublishedSnapshot, type SnapshotOptions } from './snapshot-publisher.ts';
