// The joint between translation and who serves its results.
import type { MeshSnapshot, SnapshotChange } from '../model/snapshot.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import type { NamedResource } from './named-resource.ts';

/** Turns a snapshot into a proxy's resources and keeps those that can be used again. */
export interface Translator {
  /** The resources of one type for one proxy: all it should hold (`wildcard`), or those named. A name that does not exist yields nothing, except an endpoint assignment, which is then empty. */
  generate(snapshot: MeshSnapshot, proxy: ProxyDescription, typeUrl: string, names: 'wildcard' | readonly string[]): readonly NamedResource[];
  /** Cached resources, hits and misses so far, for metrics. */
  readonly statistics: { readonly entries: number; readonly hits: number; readonly misses: number };
}

/** The type URLs, in push order, that a change can affect. */
export type AffectedTypes = (change: SnapshotChange, proxy?: Pick<ProxyDescription, 'ipAddresses'>) => readonly string[];
