// Follows the Secrets and ConfigMaps that Gateways and policies name, one informer each, and keeps only what is made of them: a verdict, never a key.
// The binder says which; nothing else of a namespace's secrets is read here.
import { ConfigMapResource, SecretResource, type ConfigMap, type Secret } from '../../shared/api/core/cluster.ts';
import { objectKey, type KubernetesObject, type ResourceType } from '../../shared/api/meta/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { Informer, type KubeClient } from '../../shared/kube/index.ts';
import type { ConfigMapVerdict, ReferencedObjects, SecretVerdict } from '../../mesh/gateway-api/index.ts';
import { configMapVerdict, secretVerdict } from './secret-verdict.ts';
import { readParameters, type WorkloadParameters } from './workload-parameters.ts';

const FIRST_READ_MILLISECONDS = 2_000;

interface Judged<V> extends KubernetesObject {
  verdict?: V;
}

/** A ConfigMap's verdict, and what it holds that may change a gateway's workload. */
export interface JudgedConfigMap extends ConfigMapVerdict {
  readonly parameters?: WorkloadParameters | undefined;
}

/** Verdicts on the objects that are referred to, by `namespace/name`. */
export class ReferencedObjectTables {
  readonly #secrets: ReferencedKind<Secret, SecretVerdict>;
  readonly #configMaps: ReferencedKind<ConfigMap, JudgedConfigMap>;

  /** `onChange` is called when a verdict may have changed. */
  constructor(client: KubeClient, onChange: () => void) {
    this.#secrets = new ReferencedKind(client, SecretResource, secretVerdict, onChange);
    this.#configMaps = new ReferencedKind<ConfigMap, JudgedConfigMap>(client, ConfigMapResource, (map) => ({ ...configMapVerdict(map), ...readParameters(map.data) }), onChange);
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
    await Promise.all([this.#secrets.stop(), this.#configMaps.stop()]);
  }
}

class ReferencedKind<T extends KubernetesObject, V> {
  readonly #client: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #judge: (object: T) => V;
  readonly #onChange: () => void;
  readonly #informers = new Map<string, Informer<Judged<V>>>();
  readonly #log = createLogger('gateway-api');

  constructor(client: KubeClient, type: ResourceType<T>, judge: (object: T) => V, onChange: () => void) {
    this.#client = client;
    this.#type = type;
    this.#judge = judge;
    this.#onChange = onChange;
  }

  verdicts(): ReadonlyMap<string, V> {
    const verdicts = new Map<string, V>();
    for (const [key, informer] of this.#informers) {
      const verdict = informer.get(key)?.verdict;
      if (verdict !== undefined) verdicts.set(key, verdict);
    }
    return verdicts;
  }

  unread(): ReadonlySet<string> {
    return new Set([...this.#informers].filter(([, informer]) => !informer.hasSynced()).map(([key]) => key));
  }

  async follow(wanted: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const [key, informer] of [...this.#informers]) {
      if (wanted.has(key)) continue;
      this.#informers.delete(key);
      void informer.stop();
    }
    await Promise.all([...wanted].filter((key) => !this.#informers.has(key)).map((key) => this.#read(key, signal)));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  async #read(key: string, signal: AbortSignal): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const informer = new Informer<Judged<V>>(this.#client, this.#type as unknown as ResourceType<Judged<V>>, {
      namespace, fieldSelector: `metadata.name=${name}`,
      transform: (object) => ({ metadata: { namespace, name }, verdict: this.#judge(object as unknown as T) }),
    });
    this.#informers.set(key, informer);
    informer.onChange((change) => {
      if (objectKey(change.object) === key) this.#onChange();
    });
    const synced = informer.start(signal);
    await Promise.race([synced, new Promise<void>((resolve) => setTimeout(resolve, FIRST_READ_MILLISECONDS).unref())]);
    if (informer.hasSynced() || signal.aborted) return;
    this.#log.warn({ resource: this.#type.plural, object: key }, 'an object that the Gateway API refers to cannot be read yet');
    // That it is not there is no change, and yet news after not having known.
    void synced.then(() => {
      if (informer.hasSynced()) this.#onChange();
    });
  }
}
