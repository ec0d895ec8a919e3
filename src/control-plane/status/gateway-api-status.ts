// Writes what binding found into the statuses of the Gateway API's objects. Runs in the leader alone. Entries of other controllers in a route's or
// policy's status stay as they are; a write that meets another's is made again from the newer object.
import type { Condition, KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { deepEqual, describeError, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { isConflict, isNotFound, setCondition, WorkQueue, type KubeClient } from '../../shared/kube/index.ts';
import { CONTROLLER_NAME, type GatewayApiStatus } from '../../mesh/gateway-api/index.ts';

const MAXIMUM_RETRY_MILLISECONDS = 10_000;
/** Writes of one object in a row that others undo, after which the next ones wait. */
const PATIENCE = 5;
const PATIENCE_MILLISECONDS = 10_000;

/** What the writer reads; keys are `Kind/namespace/name`. */
export interface GatewayApiStatusSources {
  readonly statuses: ReadonlyTable<string, GatewayApiStatus>;
  readonly stored: ReadonlyTable<string, KubernetesObject>;
  /** Kinds by name, at the version in use. */
  readonly types: ReadonlyTable<string, ResourceType>;
  /** Whether the statuses of GatewayClasses are ours alone; else what another control plane wrote is left. */
  readonly ownsClasses: boolean;
}

type StoredStatus = Readonly<Record<string, unknown>>;
type StoredObject = KubernetesObject & { status?: StoredStatus };

interface Written {
  readonly text: string;
  /** Version of the object that the write gave. */
  readonly resourceVersion: string | undefined;
  readonly times: readonly number[];
}

/** Keeps statuses current. */
export class GatewayApiStatusWriter {
  readonly #client: KubeClient;
  readonly #sources: GatewayApiStatusSources;
  readonly #written = new Map<string, Written>();
  readonly #log = createLogger('status');

  constructor(client: KubeClient, sources: GatewayApiStatusSources) {
    this.#client = client;
    this.#sources = sources;
  }

  /** Writes until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { statuses, stored } = this.#sources;
    const queue = new WorkQueue<string>('gateway-api-status', { initialRetryMilliseconds: 50, maximumRetryMilliseconds: MAXIMUM_RETRY_MILLISECONDS });
    const add = (keys: Iterable<string>): void => {
      for (const key of keys) queue.add(key);
    };
    const detach = [statuses.subscribe(add), stored.subscribe(add)];
    add(statuses.keys());
    signal.addEventListener('abort', () => queue.close(), { once: true });
    if (signal.aborted) queue.close();
    try {
      // A few at a time: each is one request, and a change of a Gateway touches all of its routes.
      await Promise.all(Array.from({ length: 4 }, () => this.#work(queue)));
    } finally {
      for (const stop of detach) stop();
    }
  }

  async #work(queue: WorkQueue<string>): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        const wait = await this.#write(key);
        queue.forget(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      } catch (error) {
        if (isNotFound(error)) this.#written.delete(key);
        else {
          const retryMilliseconds = queue.addRateLimited(key);
          // After a conflict the newer object is on its way to us.
          if (!isConflict(error)) this.#log.warn({ object: key, retryMilliseconds, error: describeError(error) }, 'the status could not be written');
        }
      } finally {
        queue.done(key);
      }
    }
  }

  /** Writes a status where it differs; gives the time to wait before it may be written again. */
  async #write(key: string): Promise<number | undefined> {
    const wanted = this.#sources.statuses.get(key);
    const stored = this.#sources.stored.get(key) as StoredObject | undefined;
    const type = this.#sources.types.get(key.slice(0, key.indexOf('/')));
    if (!wanted || !stored || !type) {
      this.#written.delete(key);
      return undefined;
    }
    if (!this.#speaksOf(wanted, stored)) return undefined;
    const text = JSON.stringify(mergeStatus(stored.status ?? {}, wanted));
    const next = JSON.parse(text) as Record<string, unknown>;
    if (Object.entries(next).every(([field, value]) => deepEqual(stored.status?.[field] ?? [], value))) return undefined;
    const { name = '', namespace, resourceVersion } = stored.metadata ?? {};
    const last = this.#written.get(key);
    const times = (last?.times ?? []).filter((time) => time > Date.now() - PATIENCE_MILLISECONDS);
    if (last?.text === text) {
      // What an older definition does not know is dropped on the way: writing it again would change nothing.
      if (last.resourceVersion === resourceVersion) return undefined;
      if (times.length >= PATIENCE) return PATIENCE_MILLISECONDS;
    }
    const result = await this.#client.patch(type, name, namespace, { metadata: { resourceVersion }, status: next }, { subresource: 'status', fieldManager: CONTROLLER_NAME });
    this.#written.set(key, { text, resourceVersion: result.metadata?.resourceVersion, times: [...times, Date.now()] });
    return undefined;
  }

  /** Whether the status is about the object as it is stored, and ours to write. One that has changed since it was bound is about to be bound again. */
  #speaksOf({ kind, generation }: GatewayApiStatus, stored: StoredObject): boolean {
    if ((stored.metadata?.generation ?? generation) !== generation) return false;
    return kind !== 'GatewayClass' || this.#sources.ownsClasses || !isAnswered(stored);
  }
}

/** Whether a GatewayClass has a status of our controller for its present generation. */
function isAnswered({ metadata, status }: StoredObject): boolean {
  const conditions = (status?.['conditions'] ?? []) as Condition[];
  return conditions.some(({ type, status: value, observedGeneration }) => type === 'Accepted' && value !== 'Unknown' && observedGeneration === metadata?.generation);
}

/** The fields of the status as they are to be stored. */
function mergeStatus(present: StoredStatus, { kind, status }: GatewayApiStatus): Readonly<Record<string, unknown>> {
  switch (kind) {
    case 'GatewayClass':
      return { ...status, conditions: withTimes(present['conditions'], status.conditions) };
    case 'Gateway':
    case 'ListenerSet':
      return { ...status, conditions: withTimes(present['conditions'], status.conditions), listeners: mergeListeners(present['listeners'], status.listeners) };
    case 'BackendTLSPolicy':
      return { ancestors: mergeOwned(present['ancestors'], status.ancestors, ({ ancestorRef }) => ancestorRef) };
    default:
      return { parents: mergeOwned(present['parents'], status.parents, ({ parentRef }) => parentRef) };
  }
}

/** Our conditions over those present; a condition that we do not write any more goes, its time stays with an unchanged value. */
function withTimes(present: unknown, wanted: readonly Omit<Condition, 'lastTransitionTime'>[]): Condition[] {
  const before = (present ?? []) as Condition[];
  return wanted.map((condition) => setCondition(before.filter(({ type }) => type === condition.type), condition)[0] as Condition);
}

function mergeListeners(present: unknown, wanted: readonly { readonly name: string; readonly conditions: readonly Omit<Condition, 'lastTransitionTime'>[] }[]): unknown[] {
  const before = (present ?? []) as { name: string; conditions?: Condition[] }[];
  return wanted.map((listener) => ({ ...listener, conditions: withTimes(before.find(({ name }) => name === listener.name)?.conditions, listener.conditions) }));
}

interface OwnedEntry {
  readonly controllerName: string;
  readonly conditions: readonly Omit<Condition, 'lastTransitionTime'>[];
}

/** The entries of other controllers, and ours. */
function mergeOwned<T extends OwnedEntry>(present: unknown, wanted: readonly T[], referenceOf: (entry: T) => unknown): unknown[] {
  const before = (present ?? []) as (T & { conditions?: Condition[] })[];
  const others = before.filter(({ controllerName }) => controllerName !== CONTROLLER_NAME);
  const own = before.filter(({ controllerName }) => controllerName === CONTROLLER_NAME);
  return [...others, ...wanted.map((entry) => ({ ...entry, conditions: withTimes(own.find((candidate) => deepEqual(referenceOf(candidate), referenceOf(entry)))?.conditions, entry.conditions) }))];
}
