// A scenario of the contract: requests in an order, written once and run on the sandbox and on a real kube-apiserver. What comes
// back is compared with the committed transcript of the real one, so nothing is expected here in words of our own.
import type { Answer, ApiEndpoint, CallOptions, OpenWatch } from './api-endpoint.ts';
import { Transcript, type Entry } from './transcript.ts';

/** The four kinds of patch. */
export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

/** One scenario. */
export interface Scenario {
  /** Name of its file among the goldens. */
  readonly name: string;
  readonly run: (api: ScenarioApi) => Promise<void>;
}

const PATCH_TYPES = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json', apply: 'application/apply-patch+yaml' } as const;

/** The server in a scenario; `{ns}` in a path or text stands for the scenario's own namespace, which also makes cluster-wide names its own. */
export class ScenarioApi {
  readonly namespace: string;
  readonly endpoint: ApiEndpoint;
  readonly transcript: Transcript;
  readonly #clean: (() => Promise<unknown>)[] = [];

  constructor(endpoint: ApiEndpoint, namespace: string) {
    this.endpoint = endpoint;
    this.namespace = namespace;
    this.transcript = new Transcript(namespace);
  }

  /** A path below the scenario's namespace: `apps/v1/deployments/web` or `v1/pods`. */
  path(resource: string): string {
    const parts = resource.split('/');
    const isCore = /^v\d/.test(parts[0] ?? '');
    const [prefix, rest] = isCore ? [`/api/${parts[0] ?? ''}`, parts.slice(1)] : [`/apis/${parts.slice(0, 2).join('/')}`, parts.slice(2)];
    return `${prefix}/namespaces/${this.namespace}/${rest.join('/')}`;
  }

  get(path: string, options?: CallOptions): Promise<Answer> { return this.call('GET', path, undefined, options); }
  post(path: string, body: unknown, options?: CallOptions): Promise<Answer> { return this.call('POST', path, body, options); }
  put(path: string, body: unknown, options?: CallOptions): Promise<Answer> { return this.call('PUT', path, body, options); }
  delete(path: string, body?: unknown, options?: CallOptions): Promise<Answer> { return this.call('DELETE', path, body, options); }

  patch(kind: PatchKind, path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('PATCH', path, body, { type: PATCH_TYPES[kind], ...options });
  }

  /** Any request; its answer goes into the transcript. */
  async call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.quiet(method, path, body, options).catch((error: unknown): Answer => ({ code: 0, headers: {}, body: String(error) }));
    this.transcript.record(`${method} ${path}${options.type === undefined ? '' : ` (${options.type})`}`, answer);
    return answer;
  }

  /** A request that is not compared: setting up and cleaning up. */
  quiet(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.endpoint.call(method, path.replaceAll('{ns}', this.namespace), fill(body, this.namespace), options.as === undefined ? options : { ...options, as: options.as.replaceAll('{ns}', this.namespace) });
  }

  /** Opens a watch, lets `during` make changes, waits for `count` lines (or the end) and compares what came. */
  async watch(path: string, count: number, during: () => Promise<unknown> = () => Promise.resolve(), options: CallOptions = {}): Promise<OpenWatch> {
    const watch = await this.endpoint.watch(path.replaceAll('{ns}', this.namespace), options);
    await during();
    const deadline = Date.now() + 5_000;
    let isOver = false;
    void watch.ended.then(() => { isOver = true; });
    while (watch.lines.length < count && !isOver && Date.now() < deadline) await new Promise((resolve) => { setTimeout(resolve, 10); });
    watch.stop();
    await watch.ended;
    this.transcript.recordWatch(`WATCH ${path}`, watch);
    return watch;
  }

  /** Asks until `holds` is content with the answer; only the last one is compared. */
  async until(path: string, holds: (answer: Answer) => boolean, options: CallOptions = {}): Promise<Answer> {
    const deadline = Date.now() + 8_000;
    for (;;) {
      const answer = await this.quiet('GET', path, undefined, options);
      if (holds(answer) || Date.now() > deadline) {
        this.transcript.record(`GET ${path}`, answer);
        return answer;
      }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  /** Does something when the scenario is over, the last first. */
  onEnd(task: () => Promise<unknown>): void {
    this.#clean.unshift(task);
  }

  async clean(): Promise<void> {
    for (const task of this.#clean) await task();
  }
}

function fill(body: unknown, namespace: string): unknown {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return (typeof body === 'string' ? body : JSON.stringify(body)).replaceAll('{ns}', namespace);
}

/** Runs a scenario in a namespace of its own; gives what the server answered. */
export async function runScenario(endpoint: ApiEndpoint, scenario: Scenario): Promise<readonly Entry[]> {
  const api = new ScenarioApi(endpoint, `contract-${scenario.name}-${Math.random().toString(36).slice(2, 8)}`);
  await api.quiet('POST', '/api/v1/namespaces', { metadata: { name: '{ns}' } });
  // Without the controller manager nobody else makes it.
  await api.quiet('POST', '/api/v1/namespaces/{ns}/serviceaccounts', { metadata: { name: 'default' } });
  try {
    await scenario.run(api);
  } finally {
    await api.clean();
    await removeNamespace(api);
  }
  return api.transcript.entries;
}

/** Without the controller manager a namespace has to be emptied and let go by hand. */
async function removeNamespace(api: ScenarioApi): Promise<void> {
  await api.quiet('DELETE', '/api/v1/namespaces/{ns}');
  const { code, body } = await api.quiet('GET', '/api/v1/namespaces/{ns}');
  if (code === 200) await api.quiet('PUT', '/api/v1/namespaces/{ns}/finalize', { ...body, spec: { finalizers: [] } });
}
