// Writes what is wrong with an Istio object into its status, as Istio does (`status.validationMessages`), and takes it away again. The only writer of
// these objects' status; runs in the leader alone.
import { ISTIO_KINDS } from '../../shared/api/istio-kinds.ts';
import { formatIssue, type Issue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { isNotFound, KubeError, WorkQueue, type KubeClient } from '../../shared/kube/index.ts';

const MAXIMUM_FAILURES = 5;

/** Keeps the status of objects with issues current, from `run` until its signal aborts. */
export class ConfigStatusWriter {
  readonly #client: KubeClient;
  readonly #issues: ReadonlyTable<string, readonly Issue[]>;
  readonly #written = new Set<string>();
  readonly #log = createLogger('status');

  /** `issues` by `Kind/namespace/name`. */
  constructor(client: KubeClient, issues: ReadonlyTable<string, readonly Issue[]>) {
    this.#client = client;
    this.#issues = issues;
  }

  /** Writes until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const queue = new WorkQueue<string>('config-status');
    const detach = this.#issues.subscribe((keys) => {
      for (const key of keys) queue.add(key);
    });
    for (const key of this.#issues.keys()) queue.add(key);
    signal.addEventListener('abort', () => queue.close(), { once: true });
    try {
      for (;;) {
        const key = await queue.take();
        if (key === undefined) return;
        await this.#write(key, queue);
        queue.done(key);
      }
    } finally {
      detach();
    }
  }

  async #write(key: string, queue: WorkQueue<string>): Promise<void> {
    const [kindName, namespace, name = ''] = key.split('/');
    const kind = ISTIO_KINDS.find((row) => row.kind === kindName);
    const issues = this.#issues.get(key);
    if (!kind || (!issues && !this.#written.has(key))) return;
    const validationMessages = issues?.map((issue) => ({ type: { name: 'SchemaValidationError', code: issue.code }, level: issue.level.toUpperCase(), message: formatIssue(issue) })) ?? null;
    try {
      await this.#client.patch(kind, name, namespace, { status: { validationMessages } }, { subresource: 'status', fieldManager: 'mizzend' });
      if (issues) this.#written.add(key);
      else this.#written.delete(key);
      queue.forget(key);
    } catch (error) {
      if (isNotFound(error)) return;
      if (queue.failures(key) >= MAXIMUM_FAILURES) this.#log.warn({ object: key, error: error instanceof KubeError ? error.message : String(error) }, 'the object\'s status was not written; the issue is still shown in /debug/issuesz');
      else queue.addRateLimited(key);
    }
  }
}
