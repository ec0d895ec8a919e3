// Deletes what a mesh has left behind: objects of an older generation after a roll-out, or everything when the mesh goes.
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { ServiceAccountResource } from '../../shared/api/core/cluster.ts';
import { PodResource } from '../../shared/api/core/workloads.ts';
import { isNotFound, type KubeClient } from '../../shared/kube/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { isOptionalKind, managedKinds } from './kinds.ts';

const log = createLogger('prune');

/** One object of a mesh with its kind. */
export interface OwnedObject {
  readonly type: ResourceType;
  readonly object: KubernetesObject;
}

/** Every object that carries the mesh's labels, in the order of deletion. */
export async function listOwned(client: KubeClient, labelSelector: string): Promise<OwnedObject[]> {
  const lists = await Promise.all(managedKinds.map(async (type) => {
    try {
      return (await client.listAll(type, { labelSelector })).map((object): OwnedObject => ({ type, object }));
    } catch (error) {
      if (isOptionalKind(type) && isNotFound(error)) return [];
      throw error;
    }
  }));
  return lists.flat();
}

/** What a pass of pruning did. */
export interface Pruned {
  readonly deleted: number;
  /** Names of obsolete ServiceAccounts that were left for a later pass: programs that are ending still need them. */
  readonly waiting: readonly string[];
}

/** A pod that has not ended this long after its grace period is on a node that is away: not waited for. */
const OVERDUE_MILLISECONDS = 10_000;

/** Deletes those of the owned objects that `isObsolete` names; every one is tried, and the failures are thrown together. Those it waits with are to be pruned again. */
export async function pruneOwned(client: KubeClient, labelSelector: string, isObsolete: (object: KubernetesObject) => boolean): Promise<Pruned> {
  const obsolete = (await listOwned(client, labelSelector)).filter(({ object }) => isObsolete(object));
  const failures: unknown[] = [];
  const waiting: string[] = [];
  for (const { type, object } of obsolete) {
    const { name = '', namespace, uid = '' } = object.metadata ?? {};
    try {
      if (type === ServiceAccountResource && (await isNeededByNodes(client, name, namespace ?? ''))) {
        waiting.push(name);
        continue;
      }
      log.info({ kind: type.kind, namespace, name }, 'deleting');
      await client.delete(type, name, namespace, { preconditions: { uid } });
    } catch (cause) {
      failures.push(new Error(`${type.kind} ${namespace ? `${namespace}/` : ''}${name} could not be deleted`, { cause }));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be deleted');
  return { deleted: obsolete.length - waiting.length, waiting };
}

// A DaemonSet's pod cleans its node up when it ends for good, which it learns from the API server: with its account gone first, it could not tell that from an end by force.
async function isNeededByNodes(client: KubeClient, serviceAccount: string, namespace: string): Promise<boolean> {
  const pods = await client.listAll(PodResource, { namespace });
  return pods.some(({ metadata, spec, status }) => {
    if (spec?.serviceAccountName !== serviceAccount || !metadata?.ownerReferences?.some(({ kind }) => kind === 'DaemonSet')) return false;
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
    // The time by which it should have ended.
    return metadata.deletionTimestamp === undefined || Date.now() < Date.parse(metadata.deletionTimestamp) + OVERDUE_MILLISECONDS;
  });
}
