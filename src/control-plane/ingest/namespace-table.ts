// Labels of the member namespaces. With the right to list namespaces this is one watch; without it each member is read by name
// now and then, which a RoleBinding inside the namespace allows.
import { NamespaceResource, type Namespace } from '../../shared/api/core/cluster.ts';
import { Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { Informer, KubeError, subjectAccessReview, type KubeClient } from '../../shared/kube/index.ts';
import { trimNamespace } from './core-transforms.ts';

const READ_AGAIN_MILLISECONDS = 20_000;

/** The member namespaces as objects, by name. */
export class NamespaceTable {
  readonly #client: KubeClient;
  readonly #table = new Table<string, Namespace>();
  readonly #log = createLogger('ingest');
  #members: ReadonlySet<string> = new Set();
  #informer: Informer<Namespace> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #unreadable = new Set<string>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The namespaces; one that cannot be read is there without labels. */
  get table(): ReadonlyTable<string, Namespace> {
    return this.#table;
  }

  /** Finds out what we may do, and reads `members`. */
  async start(members: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    this.#members = members;
    if (await this.#mayList()) {
      this.#informer = new Informer(this.#client, NamespaceResource, { transform: trimNamespace });
      await this.#informer.start(signal);
      this.#informer.onChange(() => this.#copy());
    } else {
      this.#log.info({}, 'no right to list namespaces: their labels are read one by one');
      this.#timer = setInterval(() => void this.#readEach(), READ_AGAIN_MILLISECONDS);
    }
    await this.follow(members);
  }

  /** Holds exactly `members` from now on. */
  async follow(members: ReadonlySet<string>): Promise<void> {
    this.#members = members;
    for (const name of [...this.#table.keys()]) if (!members.has(name)) this.#table.delete(name);
    if (this.#informer) this.#copy();
    else await this.#readEach();
  }

  /** Stops following. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#informer?.stop();
  }

  async #mayList(): Promise<boolean> {
    try {
      const answers = await Promise.all(['list', 'watch'].map((verb) => subjectAccessReview(this.#client, { verb, group: '', resource: 'namespaces' })));
      return answers.every((answer) => answer.allowed);
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'could not ask for our rights on namespaces; assuming none');
      return false;
    }
  }

  #copy(): void {
    for (const name of this.#members) this.#table.set(name, this.#informer?.get(name) ?? { metadata: { name } });
    for (const name of [...this.#table.keys()]) if (!this.#members.has(name)) this.#table.delete(name);
  }

  async #readEach(): Promise<void> {
    await Promise.all([...this.#members].map(async (name) => {
      try {
        const namespace = await this.#client.find(NamespaceResource, name);
        if (this.#members.has(name)) this.#table.set(name, trimNamespace(namespace ?? { metadata: { name } }));
        this.#unreadable.delete(name);
      } catch (error) {
        if (this.#members.has(name) && !this.#table.has(name)) this.#table.set(name, { metadata: { name } });
        if (this.#unreadable.has(name)) return;
        this.#unreadable.add(name);
        this.#log.warn({ namespace: name, error: error instanceof KubeError ? error.message : String(error) }, 'labels of the namespace cannot be read; grant get on it');
      }
    }));
  }
}
