// Writes core/v1 Events for the controllers and the node; a repeated event counts up instead of filling the store.
import type { CachedClient } from './cached-client.ts';
import { isStatus } from './cached-client.ts';
import type { StoredObject } from './internal-client.ts';

const EVENTS = { group: '', resource: 'events' };
const REMEMBERED = 2048;

/** Records what happened to objects, in the name of one component. */
export class EventRecorder {
  readonly #client: CachedClient;
  readonly #component: string;
  readonly #onError: (error: unknown) => void;
  readonly #seen = new Map<string, { name: string; count: number }>();
  #number = 0;

  constructor(client: CachedClient, component: string, onError: (error: unknown) => void) {
    this.#client = client;
    this.#component = component;
    this.#onError = onError;
  }

  /** Records an event without waiting for it: an event that cannot be written must not hold up the work it tells of. */
  record(object: StoredObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    this.#write(object, type, reason, message, fieldPath).catch((error: unknown) => {
      // The namespace or the object may be going away: nobody is left to read the event.
      if (!isStatus(error, 404) && !isStatus(error, 403) && !isStatus(error, 409)) this.#onError(error);
    });
  }

  async #write(object: StoredObject, type: string, reason: string, message: string, fieldPath: string | undefined): Promise<void> {
    const namespace = object.metadata.namespace ?? 'default';
    const key = [object.metadata.uid, type, reason, message, fieldPath].join('\n');
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const seen = this.#seen.get(key);
    if (seen) {
      seen.count += 1;
      const gone = await this.#client.patch(EVENTS, namespace, seen.name, { count: seen.count, lastTimestamp: now }).then(() => false, (error: unknown) => {
        if (isStatus(error, 404)) return true;
        throw error;
      });
      if (!gone) return;
      // It was last seen so long ago that it has expired: it begins anew.
    }
    this.#number += 1;
    const name = `${object.metadata.name}.${(Date.now() * 1000 + (this.#number % 1000)).toString(16)}${this.#component.length.toString(16)}`;
    this.#seen.set(key, { name, count: 1 });
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value ?? '');
    await this.#client.create(EVENTS, {
      apiVersion: 'v1', kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion,
        ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type, reason, message, count: 1, firstTimestamp: now, lastTimestamp: now,
      source: { component: this.#component }, reportingComponent: this.#component, reportingInstance: '',
    });
  }
}
