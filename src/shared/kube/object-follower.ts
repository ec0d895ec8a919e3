// Single objects, each followed by a watch of its own for as long as somebody holds it: who follows the same object shares the watch, and there are no more of
// them than the bound. For what may be read object by object only, as Secrets, where a watch of the whole namespace would read more than is asked for.
import type { KubernetesObject, ResourceType } from '../api/meta/index.ts';
import { createLogger } from '../observability/index.ts';
import { Informer } from './informer.ts';
import type { KubeClient } from './kube-client.ts';

/** One object as its holder sees it. */
export interface FollowedObject<T> {
  /** The object; undefined when it is not there, or was not read yet. */
  get(): T | undefined;
  /** Whether the server has told what there is. */
  isRead(): boolean;
  /** Resolves with whether the object has been read: when it has, when the time is over, or when nobody follows it any more. */
  waitForRead(milliseconds?: number): Promise<boolean>;
  /** Gives the object back; the last holder's ends the watch. */
  release(): void;
}

/** How a follower behaves. */
export interface ObjectFollowerOptions<T> {
  /** How many objects are followed at a time. */
  readonly maximum: number;
  /** What to keep of an object. */
  readonly transform?: (object: T) => T;
}

interface Followed<T extends KubernetesObject> {
  readonly informer: Informer<T>;
  readonly holders: Set<() => void>;
}

/** Follows objects of one kind by their names. */
export class ObjectFollower<T extends KubernetesObject> {
  readonly #client: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #options: ObjectFollowerOptions<T>;
  readonly #followed = new Map<string, Followed<T>>();
  readonly #log = createLogger('object-follower');
  #stopped = false;
  #toldFull = false;

  constructor(client: KubeClient, type: ResourceType<T>, options: ObjectFollowerOptions<T>) {
    this.#client = client;
    this.#type = type;
    this.#options = options;
  }

  /** How many objects are followed. */
  get size(): number {
    return this.#followed.size;
  }

  /** Follows `namespace/name` until it is released; `onChange` is called after each change. Undefined when as many objects are followed as may be: ask again later. */
  hold(key: string, onChange: () => void): FollowedObject<T> | undefined {
    const followed = this.#stopped ? undefined : this.#followed.get(key) ?? this.#follow(key);
    if (followed === undefined) return undefined;
    const { informer, holders } = followed;
    // A function of its own for each holder, who may pass the same one twice.
    const tell = (): void => onChange();
    holders.add(tell);
    return {
      get: () => informer.get(key),
      isRead: () => informer.hasSynced(),
      waitForRead: async (milliseconds) => {
        const wait = informer.waitForSync();
        await (milliseconds === undefined ? wait : Promise.race([wait, new Promise((resolve) => setTimeout(resolve, milliseconds).unref())]));
        return informer.hasSynced();
      },
      release: () => {
        if (holders.delete(tell) && holders.size === 0) this.#drop(key, informer);
      },
    };
  }

  /** Ends all watches; nothing is followed from now on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const all = [...this.#followed.values()];
    this.#followed.clear();
    await Promise.all(all.map(({ informer }) => informer.stop()));
  }

  #follow(key: string): Followed<T> | undefined {
    const { maximum, transform } = this.#options;
    if (this.#followed.size >= maximum) {
      if (!this.#toldFull) this.#log.warn({ resource: this.#type.plural, maximum, object: key }, 'as many single objects are followed as may be; this one and others are taken up when some are not wanted any more');
      this.#toldFull = true;
      return undefined;
    }
    const [namespace = '', name = ''] = key.split('/');
    const informer = new Informer<T>(this.#client, this.#type, { namespace, fieldSelector: `metadata.name=${name}`, ...(transform === undefined ? {} : { transform }) });
    const followed: Followed<T> = { informer, holders: new Set() };
    this.#followed.set(key, followed);
    informer.onChange((change) => {
      if (change.key === key) for (const tell of [...followed.holders]) tell();
    });
    // A signal of its own: a shared one would remember each informer that ever was.
    void informer.start(new AbortController().signal);
    return followed;
  }

  #drop(key: string, informer: Informer<T>): void {
    if (this.#followed.get(key)?.informer === informer) this.#followed.delete(key);
    this.#toldFull = false;
    void informer.stop();
  }
}
