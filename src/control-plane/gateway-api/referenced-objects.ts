// Follows the Secrets and ConfigMaps that Gateways and policies name, one by one, and tells only what is made of them: a verdict, never a key.
// The binder says which; nothing else of a namespace's secrets is read here.
import { ConfigMapResource, type ConfigMap, type Secret } from '../../shared/api/core/cluster.ts';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { ObjectFollower, type FollowedObject, type KubeClient } from '../../shared/kube/index.ts';
import type { ConfigMapVerdict, ReferencedObjects, SecretVerdict } from '../../mesh/gateway-api/index.ts';
import { configMapVerdict, secretVerdict } from './secret-verdict.ts';
import { readParameters, type WorkloadParameters } from './workload-parameters.ts';

const FIRST_READ_MILLISECONDS = 2_000;
/** ConfigMaps that are named: parameters of Gateways and authorities. */
const MAXIMUM_CONFIG_MAPS = 2_000;

/** A ConfigMap's verdict, and what it holds that may change a gateway's workload. */
export interface JudgedConfigMap extends ConfigMapVerdict {
  readonly parameters?: WorkloadParameters | undefined;
}

/** Verdicts on the objects that are referred to, by `namespace/name`. */
export class ReferencedObjectTables {
  readonly #secrets: ReferencedKind<Secret, SecretVerdict>;
  readonly #configMaps: ReferencedKind<ConfigMap, JudgedConfigMap>;
  readonly #followedMaps: ObjectFollower<ConfigMap>;

  /** `secrets` is shared with whoever else wants single ones; `onChange` is called when a verdict may have changed. */
  constructor(client: KubeClient, secrets: ObjectFollower<Secret>, onChange: () => void) {
    this.#followedMaps = new ObjectFollower(client, ConfigMapResource, { maximum: MAXIMUM_CONFIG_MAPS });
    this.#secrets = new ReferencedKind('secrets', secrets, secretVerdict, onChange);
    this.#configMaps = new ReferencedKind<ConfigMap, JudgedConfigMap>('configmaps', this.#followedMaps, (map) => ({ ...configMapVerdict(map), ...readParameters(map.data) }), onChange);
  }

  /** Follows exactly `wanted` from now on, as far as `members` allows; resolves when those new to it have been read, or could not be in time. */
  async follow(wanted: ReferencedObjects, members: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const readable = (keys: readonly string[]): Set<string> => new Set(keys.filter((key) => members.has(key.slice(0, key.indexOf('/')))));
    await Promise.all([this.#secrets.follow(readable(wanted.secrets), signal), this.#configMaps.follow(readable(wanted.configMaps), signal)]);
  }

  /** Verdicts on Secrets. */
  secrets(): ReadonlyMap<string, SecretVerdict> {
    return this.#secrets.verdicts();
  }

  /** Verdicts on ConfigMaps. */
  configMaps(): ReadonlyMap<string, JudgedConfigMap> {
    return this.#configMaps.verdicts();
  }

  /** ConfigMaps that are followed and of which nothing is known yet, not even whether they are there. */
  unreadConfigMaps(): ReadonlySet<string> {
    return this.#configMaps.unread();
  }

  /** Stops following. */
  async stop(): Promise<void> {
    this.#secrets.stop();
    this.#configMaps.stop();
    await this.#followedMaps.stop();
  }
}

class ReferencedKind<T extends KubernetesObject, V> {
  readonly #plural: string;
  readonly #follower: ObjectFollower<T>;
  readonly #judge: (object: T) => V;
  readonly #onChange: () => void;
  /** Undefined where there are too many to follow. */
  readonly #held = new Map<string, FollowedObject<T> | undefined>();
  /** Judging a certificate costs, and an object stays the same until it changes. */
  readonly #judged = new WeakMap<T, { readonly verdict: V }>();
  readonly #log = createLogger('gateway-api');

  constructor(plural: string, follower: ObjectFollower<T>, judge: (object: T) => V, onChange: () => void) {
    this.#plural = plural;
    this.#follower = follower;
    this.#judge = judge;
    this.#onChange = onChange;
  }

  verdicts(): ReadonlyMap<string, V> {
    const verdicts = new Map<string, V>();
    for (const [key, held] of this.#held) {
      const object = held?.get();
      if (object !== undefined) verdicts.set(key, this.#verdictOf(object));
    }
    return verdicts;
  }

  unread(): ReadonlySet<string> {
    return new Set([...this.#held].filter(([, held]) => held?.isRead() !== true).map(([key]) => key));
  }

  async follow(wanted: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const [key, held] of [...this.#held]) {
      if (wanted.has(key) && held !== undefined) continue;
      this.#held.delete(key);
      held?.release();
    }
    await Promise.all([...wanted].filter((key) => !this.#held.has(key)).map((key) => this.#hold(key, signal)));
  }

  stop(): void {
    for (const held of this.#held.values()) held?.release();
    this.#held.clear();
  }

  #verdictOf(object: T): V {
    let judged = this.#judged.get(object);
    if (judged === undefined) this.#judged.set(object, (judged = { verdict: this.#judge(object) }));
    return judged.verdict;
  }

  async #hold(key: string, signal: AbortSignal): Promise<void> {
    const held = this.#follower.hold(key, this.#onChange);
    this.#held.set(key, held);
    if (held === undefined || await held.waitForRead(FIRST_READ_MILLISECONDS) || signal.aborted) return;
    this.#log.warn({ resource: this.#plural, object: key }, 'an object that the Gateway API refers to cannot be read yet');
    // That it is not there is no change, and yet news after not having known.
    void held.waitForRead().then((read) => {
      if (read) this.#onChange();
    });
  }
}
