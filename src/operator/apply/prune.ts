// Deletes what a mesh has left behind: objects of an older generation after a roll-out, or everything when the mesh goes.
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
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

/** Deletes those of the owned objects that `isObsolete` names; every one is tried, and the failures are thrown together. Returns how many were deleted. */
export async function pruneOwned(client: KubeClient, labelSelector: string, isObsolete: (object: KubernetesObject) => boolean): Promise<number> {
  const obsolete = (await listOwned(client, labelSelector)).filter(({ object }) => isObsolete(object));
  const failures: unknown[] = [];
  for (const { type, object } of obsolete) {
    const { name = '', namespace, uid = '' } = object.metadata ?? {};
    log.info({ kind: type.kind, namespace, name }, 'deleting');
    try {
      await client.delete(type, name, namespace, { preconditions: { uid } });
    } catch (cause) {
      failures.push(new Error(`${type.kind} ${namespace ? `${namespace}/` : ''}${name} could not be deleted`, { cause }));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be deleted');
  return obsolete.length;
}
