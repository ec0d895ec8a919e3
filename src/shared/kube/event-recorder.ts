// Events about objects, as `kubectl describe` shows them. Equal events are counted up in one object; a flood about one object is dropped.
// Recording never fails its caller: events are news, not state.
import { createHash } from 'node:crypto';
import type { KubernetesObject, ResourceType } from '../api/meta/index.ts';
import { createLogger, type Logger } from '../observability/index.ts';
import { describeError } from '../lib/index.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';

/** A core/v1 Event. */
interface CoreEvent extends KubernetesObject {
  involvedObject: { apiVersion?: string | undefined; kind?: string | undefined; namespace?: string | undefined; name?: string | undefined; uid?: string | undefined; resourceVersion?: string | undefined };
  reason: string;
  message: string;
  type: 'Normal' | 'Warning';
  source: { component: string };
  reportingComponent: string;
  reportingInstance: string;
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
}

const eventType: ResourceType<CoreEvent> = { group: '', version: 'v1', kind: 'Event', plural: 'events', scope: 'Namespaced' };
const BURST = 25;
const REFILL_MILLISECONDS = 5_000;
const REMEMBERED = 2_000;
const MAXIMUM_MESSAGE_LENGTH = 1_024;

/** Writes events in the name of one component. */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #component: string;
  readonly #log: Logger = createLogger('events');
  readonly #known = new Map<string, { readonly name: string; readonly namespace: string; count: number }>();
  readonly #allowance = new Map<string, { left: number; at: number }>();
  #pending: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, component: string) {
    this.#client = client;
    this.#component = component;
  }

  /** Something happened as it should. */
  normal(object: KubernetesObject, reason: string, message: string): void {
    this.#record(object, 'Normal', reason, message);
  }

  /** Something happened that a person may have to look at. */
  warning(object: KubernetesObject, reason: string, message: string): void {
    this.#record(object, 'Warning', reason, message);
  }

  /** Resolves when every event recorded so far has been sent or given up. */
  flush(): Promise<void> {
    return this.#pending;
  }

  #record(object: KubernetesObject, type: CoreEvent['type'], reason: string, message: string): void {
    if (!this.#allowed(object.metadata?.uid ?? '')) return;
    this.#pending = this.#pending.then(() => this.#send(object, type, reason, message.slice(0, MAXIMUM_MESSAGE_LENGTH))).catch((error: unknown) => {
      this.#log.debug({ reason, error: describeError(error) }, 'event was not recorded');
    });
  }

  #allowed(uid: string): boolean {
    const now = Date.now();
    const bucket = this.#allowance.get(uid) ?? { left: BURST, at: now };
    const refilled = Math.floor((now - bucket.at) / REFILL_MILLISECONDS);
    if (refilled > 0) Object.assign(bucket, { left: Math.min(BURST, bucket.left + refilled), at: bucket.at + refilled * REFILL_MILLISECONDS });
    this.#allowance.set(uid, bucket);
    forgetOldest(this.#allowance);
    if (bucket.left === 0) return false;
    bucket.left -= 1;
    return true;
  }

  async #send(object: KubernetesObject, type: CoreEvent['type'], reason: string, message: string): Promise<void> {
    const digest = createHash('sha256').update(JSON.stringify([object.metadata?.uid, type, reason, message])).digest('hex').slice(0, 16);
    const known = this.#known.get(digest);
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    if (known) {
      known.count += 1;
      try {
        await this.#client.patch(eventType, known.name, known.namespace, { count: known.count, lastTimestamp: now });
        return;
      } catch (error) {
        if (!(error instanceof KubeError && error.isNotFound())) throw error;
        this.#known.delete(digest); // The server forgets events after a while; begin anew.
      }
    }
    const { name = '', namespace: own, uid, resourceVersion } = object.metadata ?? {};
    const namespace = own ?? 'default';
    const created = await this.#client.create(eventType, {
      metadata: { name: `${name}.${digest}${Date.now().toString(16)}`, namespace },
      involvedObject: { apiVersion: object.apiVersion, kind: object.kind, namespace: own, name, uid, resourceVersion },
      type, reason, message, source: { component: this.#component }, reportingComponent: this.#component, reportingInstance: process.env.POD_NAME ?? '', firstTimestamp: now, lastTimestamp: now, count: 1,
    });
    this.#known.set(digest, { name: created.metadata?.name ?? '', namespace, count: 1 });
    forgetOldest(this.#known);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= REMEMBERED) return;
    map.delete(key);
  }
}
