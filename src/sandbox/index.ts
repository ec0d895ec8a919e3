// The sandbox: a Kubernetes cluster in one process tree, without privilege. Called by the program `mizzen` for `mizzen up`
// and by the tests. docs/architecture/overview.md has its addresses and what containers see of it.
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ApiServer, ApiStatusError, type InternalClient, type PodStreams } from './api-server/index.ts';
import { API_SERVER_PORT, nodeAddress } from './network/index.ts';
import type { ImageTable } from './node/index.ts';
import { holdDirectory, holdSlot } from './slot.ts';
import { NODE_NAME, startWorkloads, type MountedToken, type Workloads } from './workloads.ts';

export type { InternalClient, PodStreams } from './api-server/index.ts';
export type { ImageProgram, ImageTable } from './node/index.ts';

/** What a sandbox is started with. */
export interface SandboxOptions {
  /** Where it keeps its state; made when it is not there, and used by one sandbox at a time. */
  readonly directory: string;
  /** The programs that images stand for, by image name without tag. */
  readonly images: ImageTable;
  /** For an image that has only some tags: which. */
  readonly imageTags?: Readonly<Record<string, readonly string[]>>;
  /** The module `container-view/index.ts`, or its bundle, that is preloaded into containers. */
  readonly containerViewPath: string;
  /** The slot of addresses; the first free one when absent. */
  readonly slot?: number;
  /** Keeps the objects in the directory, for a later sandbox to go on with. */
  readonly keep?: boolean;
  /** The first wait before a crashed container is started again; 1000 when absent. */
  readonly restartBackoffMilliseconds?: number;
  /** Told what has been started. */
  readonly onProgress?: (message: string) => void;
  /** Told of failures inside the sandbox that no object's status shows. */
  readonly onError?: (component: string, error: unknown) => void;
}

/** A running sandbox. */
export interface Sandbox {
  readonly slot: number;
  readonly apiServerUrl: string;
  readonly kubeconfigPath: string;
  /** The address of the node: of NodePorts and load balancers. */
  readonly nodeAddress: string;
  /** Access to the API server inside the process, as cluster administrator. */
  readonly client: InternalClient;
  readonly streams: PodStreams;
  /** Stops serving and begins again, with the same objects: what clients see of an API server that was restarted. */
  restartApiServer(): Promise<void>;
  /** Sends a signal to a container's process; false when it does not run. */
  killContainer(namespace: string, pod: string, container: string, signal?: NodeJS.Signals): boolean;
  /** Ends every process and removes what is of this run only. */
  stop(): Promise<void>;
}

const NODE_PORTS = { first: 30_000, last: 32_767 };
const RESTART_BACKOFF_MILLISECONDS = 1000;
// What belongs to one run only; the objects, when they are kept, are beside it.
const RUN_STATE = ['pods', 'view', 'host'];
const SERVICE_ACCOUNTS = { group: '', resource: 'serviceaccounts' };
const NODES = { group: '', resource: 'nodes' };

/** Starts a sandbox; when a part of it cannot start, what has been started is ended again. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const undo: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await start(options, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: SandboxOptions, undo: (() => Promise<void> | void)[], stop: () => Promise<void>): Promise<Sandbox> {
  const progress = options.onProgress ?? (() => undefined);
  const onError = options.onError ?? (() => undefined);
  const directory = resolve(options.directory);
  undo.push(holdDirectory(directory));
  const clear = (): void => {
    for (const name of options.keep ? RUN_STATE : [...RUN_STATE, 'claims']) rmSync(join(directory, name), { recursive: true, force: true });
  };
  clear();
  undo.push(clear);
  const held = await holdSlot(options.slot);
  undo.push(() => held.release());
  const streams = new LateStreams();
  const server = await startServer(options, directory, held.slot, streams, onError, undo);
  progress(`API server at ${server.url}`);
  const kubeconfigPath = join(directory, 'kubeconfig');
  writeFileSync(kubeconfigPath, server.adminKubeconfig(), { mode: 0o600 });
  const workloads = await startWorkloads({
    client: server.client, slot: held.slot, directory, images: options.images, imageTags: options.imageTags ?? {}, containerViewPath: options.containerViewPath,
    restartBackoffMilliseconds: options.restartBackoffMilliseconds ?? RESTART_BACKOFF_MILLISECONDS,
    requestToken: (namespace, name, request) => requestToken(server, namespace, name, request), onError,
  });
  undo.push(() => workloads.stop());
  streams.serve(workloads);
  progress(`node ${NODE_NAME} at ${nodeAddress(held.slot)}`);
  return {
    slot: held.slot, apiServerUrl: server.url, kubeconfigPath, nodeAddress: nodeAddress(held.slot), client: server.client, streams,
    restartApiServer: async () => {
      await server.stop();
      await server.start();
    },
    killContainer: (namespace, pod, container, signal = 'SIGKILL') => workloads.node.signal(namespace, pod, container, signal),
    stop,
  };
}

async function startServer(options: SandboxOptions, directory: string, slot: number, podStreams: PodStreams, onError: (component: string, error: unknown) => void, undo: (() => Promise<void> | void)[]): Promise<ApiServer> {
  const server = new ApiServer({
    address: nodeAddress(slot), port: API_SERVER_PORT, kubernetesAddress: nodeAddress(slot), podStreams, nodePortRange: NODE_PORTS,
    serviceNetwork: { first: `127.${slot}.128.1`, last: `127.${slot}.255.254` },
    ...(options.keep ? { directory: join(directory, 'state') } : {}),
    onError: (error) => onError('api-server', error),
  });
  undo.push(() => server.close());
  await server.start();
  return server;
}

async function requestToken(server: ApiServer, namespace: string, name: string, request: { audience: string | undefined; expirationSeconds: number; pod: { name: string; uid: string } }): Promise<MountedToken> {
  const account = await server.client.get(SERVICE_ACCOUNTS, namespace, name);
  if (!account) throw new ApiStatusError(404, 'NotFound', `serviceaccounts "${name}" not found`);
  const node = await server.client.get(NODES, undefined, NODE_NAME);
  const subject = { namespace, serviceAccount: { name, uid: account.metadata.uid }, pod: request.pod, ...(node ? { node: { name: NODE_NAME, uid: node.metadata.uid } } : {}) };
  const { token, expires } = server.issueServiceAccountToken(subject, request.audience === undefined ? [] : [request.audience], request.expirationSeconds);
  // Renewed when four fifths of its life are over, as the kubelet does.
  return { token, renewAt: expires.getTime() - request.expirationSeconds * 200 };
}

// The server wants to know who serves the pods' streams before there is a node.
class LateStreams implements PodStreams {
  #workloads: Workloads | undefined;

  serve(workloads: Workloads): void {
    this.#workloads = workloads;
  }

  get #streams(): PodStreams {
    if (!this.#workloads) throw new ApiStatusError(503, 'ServiceUnavailable', 'the node has not been started yet');
    return this.#workloads.node.streams;
  }

  logs(...given: Parameters<PodStreams['logs']>): ReturnType<PodStreams['logs']> {
    return this.#streams.logs(...given);
  }

  exec(...given: Parameters<PodStreams['exec']>): ReturnType<PodStreams['exec']> {
    return this.#streams.exec(...given);
  }

  portForward(...given: Parameters<PodStreams['portForward']>): ReturnType<PodStreams['portForward']> {
    return this.#streams.portForward(...given);
  }
}
