// What a connection is asked to be brought up to: a snapshot, and everything that changed since the connection was last asked.
import type { MeshSnapshot, SnapshotChange } from '../../mesh/index.ts';

/** A request to push. */
export interface PushRequest {
  readonly snapshot: MeshSnapshot;
  /** What changed; everything may have when undefined. */
  readonly change: SnapshotChange | undefined;
  /** Names of secrets that changed. */
  readonly secrets: ReadonlySet<string>;
  /** When the oldest change was published, in milliseconds of `performance.now()`. */
  readonly since: number;
}

/** One request that does what both do. */
export function mergePushRequests(older: PushRequest, newer: PushRequest): PushRequest {
  return {
    snapshot: newer.snapshot.number >= older.snapshot.number ? newer.snapshot : older.snapshot,
    change: older.change && newer.change ? mergeChanges(older.change, newer.change) : undefined,
    secrets: new Set([...older.secrets, ...newer.secrets]),
    since: Math.min(older.since, newer.since),
  };
}

function mergeChanges(older: SnapshotChange, newer: SnapshotChange): SnapshotChange {
  return {
    endpointsOnly: older.endpointsOnly && newer.endpointsOnly,
    kinds: new Set([...older.kinds, ...newer.kinds]),
    changedClusters: new Set([...older.changedClusters, ...newer.changedClusters]),
    changedWorkloads: new Set([...older.changedWorkloads, ...newer.changedWorkloads]),
  };
}
