// What all controllers share: a queue fed by the tables they look at, and the way to start and stop.
import type { CachedClient } from '../api-server/cached-client.ts';
import { controllerUid, isStatus } from '../api-server/cached-client.ts';
import type { EventRecorder } from '../api-server/event-recorder.ts';
import type { ResourceName, StoredObject } from '../api-server/internal-client.ts';
import { WorkQueue } from './work-queue.ts';

/** What a controller works with. */
export interface ControllerContext {
  readonly client: CachedClient;
  readonly events: EventRecorder;
  /** Told of failures that are not the ordinary conflict of two writers. */
  readonly onError: (controller: string, error: unknown) => void;
}

/** One controller: which changes concern which keys, and the work on a key. */
export interface ControllerDefinition {
  readonly name: string;
  /** For each resource looked at: the keys that a changed object concerns. */
  readonly sources: readonly { readonly resource: ResourceName; readonly keys: (object: StoredObject) => Iterable<string> }[];
  readonly reconcile: (namespace: string, name: string, again: (milliseconds: number) => void) => Promise<void>;
}

/** Starts a controller; returns the way to stop it. */
export function startController(context: ControllerContext, definition: ControllerDefinition): () => void {
  const queue: WorkQueue = new WorkQueue({
    workers: 8,
    work: (key) => {
      const [namespace = '', name = ''] = key.split('/');
      return definition.reconcile(namespace, name, (milliseconds) => queue.addAfter(key, Math.max(1, milliseconds)));
    },
    onFailure: (_key, error, failures) => {
      if (failures > 3 || !(isStatus(error, 409) || isStatus(error, 404))) context.onError(definition.name, error);
    },
  });
  const stops = definition.sources.map(({ resource, keys }) =>
    context.client.table(resource).subscribe((object, previous) => {
      if (object) for (const key of keys(object)) queue.add(key);
      if (previous) for (const key of keys(previous)) queue.add(key);
    }));
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

/** The key of the object itself. */
export function ownKey(object: StoredObject): string[] {
  return [`${object.metadata.namespace ?? ''}/${object.metadata.name}`];
}

/** The key of the controller of `object`, when that is of this kind. */
export function controllerKey(kind: string): (object: StoredObject) => string[] {
  return (object) => {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller && reference.kind === kind);
    return owner ? [`${object.metadata.namespace ?? ''}/${owner.name}`] : [];
  };
}

/** The owner reference that makes `owner` the controller of a new object. */
export function controllerReference(owner: StoredObject): object {
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true };
}

export { controllerUid };
