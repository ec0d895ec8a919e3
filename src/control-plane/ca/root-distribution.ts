// Writes the trusted roots into the ConfigMap `istio-ca-root-cert` of every member namespace, where proxies mount them from. Runs in the leader alone.
import { ConfigMapResource } from '../../shared/api/core/cluster.ts';
import type { ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { KubeError, WorkQueue, type KubeClient } from '../../shared/kube/index.ts';
import type { AuthorityState } from './authority.ts';

/** Name and key that proxies' volumes use. */
export const ROOT_CONFIG_MAP = 'istio-ca-root-cert';
const KEY = 'root-cert.pem';
const RESYNC_MILLISECONDS = 5 * 60_000;

/** Keeps the root ConfigMaps as they must be, from `run` until its signal aborts. */
export class RootDistribution {
  readonly #client: KubeClient;
  readonly #state: ReadonlyTable<'current', AuthorityState>;
  readonly #members: ReadonlyTable<string, true>;
  readonly #log = createLogger('ca');

  constructor(client: KubeClient, state: ReadonlyTable<'current', AuthorityState>, members: ReadonlyTable<string, true>) {
    this.#client = client;
    this.#state = state;
    this.#members = members;
  }

  /** Writes until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const queue = new WorkQueue<string>('root-certificates');
    const all = (): void => {
      for (const namespace of this.#members.keys()) queue.add(namespace);
    };
    const detach = [this.#state.subscribe(all), this.#members.subscribe((namespaces) => {
      for (const namespace of namespaces) queue.add(namespace);
    })];
    const timer = setInterval(all, RESYNC_MILLISECONDS);
    signal.addEventListener('abort', () => queue.close(), { once: true });
    all();
    try {
      for (;;) {
        const namespace = await queue.take();
        if (namespace === undefined) return;
        await this.#write(namespace, queue);
      }
    } finally {
      clearInterval(timer);
      for (const stop of detach) stop();
    }
  }

  async #write(namespace: string, queue: WorkQueue<string>): Promise<void> {
    try {
      const roots = this.#state.get('current')?.rootsPem;
      if (roots !== undefined) await (this.#members.has(namespace) ? this.#apply(namespace, roots) : this.#remove(namespace, roots));
      queue.forget(namespace);
    } catch (error) {
      const retryMilliseconds = queue.addRateLimited(namespace);
      this.#log.warn({ namespace, error: error instanceof KubeError ? error.message : String(error), retryMilliseconds }, 'the root certificates were not written');
    } finally {
      queue.done(namespace);
    }
  }

  /** Takes our roots out of a namespace that left. Our rights there may be gone already; the operator then does it. */
  async #remove(namespace: string, roots: string): Promise<void> {
    try {
      const present = await this.#client.find(ConfigMapResource, ROOT_CONFIG_MAP, namespace);
      if (present?.data?.[KEY] === roots) await this.#client.delete(ConfigMapResource, ROOT_CONFIG_MAP, namespace);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      this.#log.debug({ namespace }, 'no rights left in the namespace to remove its root certificates');
    }
  }

  async #apply(namespace: string, roots: string): Promise<void> {
    const present = await this.#client.find(ConfigMapResource, ROOT_CONFIG_MAP, namespace);
    if (present?.data?.[KEY] === roots) return;
    const wanted = { metadata: { name: ROOT_CONFIG_MAP, namespace, labels: { 'istio.io/config': 'true' } }, data: { [KEY]: roots } };
    if (present) await this.#client.patch(ConfigMapResource, ROOT_CONFIG_MAP, namespace, { data: wanted.data, metadata: { labels: wanted.metadata.labels } });
    else await this.#client.create(ConfigMapResource, wanted);
    this.#log.info({ namespace }, 'root certificates written');
  }
}
