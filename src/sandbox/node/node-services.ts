// What every part of the node works with.
import type { CachedClient } from '../api-server/cached-client.ts';
import type { EventRecorder } from '../api-server/event-recorder.ts';
import type { ResourceName } from '../api-server/internal-client.ts';
import type { PodAddresses } from '../network/index.ts';
import type { ImageTable } from './image-table.ts';
import type { ProcessTable } from './process-group.ts';
import type { MountedToken } from './volume-sources.ts';

/** Resources of the API that the node reads, by group and plural. */
export const PODS: ResourceName = { group: '', resource: 'pods' };
export const CONFIG_MAPS: ResourceName = { group: '', resource: 'configmaps' };
export const SERVICES: ResourceName = { group: '', resource: 'services' };
export const SECRETS: ResourceName = { group: '', resource: 'secrets' };

/** The services of one node. */
export interface NodeServices {
  readonly client: CachedClient;
  readonly events: EventRecorder;
  readonly processes: ProcessTable;
  readonly addresses: PodAddresses;
  readonly slot: number;
  readonly nodeName: string;
  readonly directory: string;
  readonly images: ImageTable;
  readonly imageTags: Readonly<Record<string, readonly string[]>>;
  /** The Node option that preloads the container view. */
  readonly viewOption: string;
  /** The first wait before a crashed container is started again; it doubles up to 30 times as much. */
  readonly restartBackoffMilliseconds: number;
  readonly requestToken: (namespace: string, serviceAccount: string, request: { audience: string | undefined; expirationSeconds: number; pod: { name: string; uid: string } }) => Promise<MountedToken>;
  readonly onError: (error: unknown) => void;
}
