// The node agent's side of the plugin: a socket on the node on which it is asked to capture a pod, which it does in the pod's network namespace with its own tools.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError, formatIssue } from '../../shared/lib/index.ts';
import { captureOptionsOfPod, isCapturedBy, type Annotations } from '../capture/index.ts';
import { LINE_LIMIT, type CaptureReply, type CaptureRequest } from '../cni/index.ts';
import { addressFamilies, applyCapture, programRunner, type RunProgram } from '../firewall/index.ts';

/** What the service needs. */
export interface CaptureServiceOptions {
  readonly plugin: string;
  /** Folder of the sockets of this plugin's agents. */
  readonly socketDirectory: string;
  /** This agent's own name in it: the pod's. */
  readonly agent: string;
  /** Where the node's network namespaces are mounted. */
  readonly namespaceDirectory: string;
  /** Asks the API server for a pod's annotations; undefined when there is no such pod. */
  readonly annotationsOf: (namespace: string, name: string) => Promise<Annotations | undefined>;
  /** For tests: runs the tools in a namespace. */
  readonly runnerFor?: (networkNamespace: string) => RunProgram;
}

/** Runtimes make a pod's network namespace here; each name is a file. */
const NAMESPACE_PATH = /^\/(?:var\/)?run\/netns\/([A-Za-z0-9][A-Za-z0-9._-]*)$/;
const DIRECTORY_MODE = 0o700;
const log = createLogger('capture');

/** Serves capture requests between `start` and `stop`. */
export class CaptureService {
  readonly name = 'capture service';
  readonly #options: CaptureServiceOptions;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #running = new Set<Promise<void>>();
  #listening = false;

  constructor(options: CaptureServiceOptions) {
    this.#options = options;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** Why pods cannot be captured now. */
  problem(): string | undefined {
    return this.#listening ? undefined : 'the capture service does not listen yet';
  }

  async start(): Promise<void> {
    const { socketDirectory, agent } = this.#options;
    // Only the node's root may ask.
    await mkdir(socketDirectory, { recursive: true, mode: DIRECTORY_MODE });
    await this.#removeDeadSockets();
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(join(socketDirectory, `${agent}.sock`), resolve));
    this.#listening = true;
    log.info({ socketDirectory }, 'pods of this node are captured here');
  }

  /** Whether another agent, of another mesh of the same version, serves this plugin too. */
  async hasCompany(): Promise<boolean> {
    const { socketDirectory, agent } = this.#options;
    const others = (await readdir(socketDirectory)).filter((file) => file !== `${agent}.sock`);
    return (await Promise.all(others.map((file) => isAlive(join(socketDirectory, file))))).includes(true);
  }

  async stop(): Promise<void> {
    this.#listening = false;
    // Closing takes the socket away, so that nobody new asks; what is being done is finished.
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(this.#running);
    for (const client of this.#clients) client.destroySoon(); // after what is written
    await closed;
  }

  // An agent that was killed leaves its socket; nobody listens on it any more.
  async #removeDeadSockets(): Promise<void> {
    const { socketDirectory, agent } = this.#options;
    for (const file of await readdir(socketDirectory)) {
      const path = join(socketDirectory, file);
      if (file === `${agent}.sock` || !(await isAlive(path))) await rm(path, { force: true });
    }
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    let line = '';
    client.setEncoding('utf8');
    client.on('error', () => client.destroy()); // the plugin was ended; the runtime asks again
    client.on('close', () => this.#clients.delete(client));
    client.on('data', (text: string) => {
      line += text;
      if (line.length > LINE_LIMIT) client.destroy();
      else if (line.endsWith('\n')) {
        client.pause();
        const work = this.#answer(line).then((reply) => { client.end(`${JSON.stringify(reply)}\n`); });
        this.#running.add(work);
        void work.finally(() => this.#running.delete(work));
      }
    });
  }

  async #answer(line: string): Promise<CaptureReply> {
    let request: CaptureRequest | undefined;
    try {
      request = JSON.parse(line) as CaptureRequest;
      const outcome = await this.#capture(request);
      log.info({ pod: `${request.namespace}/${request.name}`, outcome }, 'pod captured');
      return { outcome };
    } catch (error) {
      const reason = describeError(error);
      log.warn({ pod: request ? `${request.namespace}/${request.name}` : undefined, error: reason }, 'pod not captured');
      return { error: reason };
    }
  }

  async #capture({ networkNamespace, namespace, name, annotations }: CaptureRequest): Promise<string> {
    const { plugin, annotationsOf } = this.#options;
    const known = annotations ?? (await annotationsOf(namespace, name));
    if (!known || !isCapturedBy(plugin, known)) return 'not to be captured';
    return captureNamespace(known, this.#localPath(networkNamespace), this.#options.runnerFor);
  }

  #localPath(path: string): string {
    const name = NAMESPACE_PATH.exec(path)?.[1];
    if (name === undefined) throw new Error(`the network namespace ${path} is not one of /var/run/netns, the folder that the node agent sees`);
    return join(this.#options.namespaceDirectory, basename(name));
  }
}

/** Captures the network namespace at `path` as a pod's annotations say; answers what was done. */
export async function captureNamespace(annotations: Annotations, path: string, runnerFor: (networkNamespace: string) => RunProgram = programRunner): Promise<string> {
  const options = captureOptionsOfPod(annotations);
  if (!options.ok) throw new Error(options.error.map(formatIssue).join('; '));
  const run = runnerFor(path);
  const applied = await applyCapture(options.value, { families: await addressFamilies(run), run });
  return applied.map(({ family, backend, outcome }) => `${family} ${outcome} (${backend})`).join(', ');
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
