// The node of the sandbox, what a kubelet is to a cluster: registers itself and runs the pods that are bound to it.
import { join } from 'node:path';
import { isStatus } from '../api-server/cached-client.ts';
import type { PodStreams, StoredObject } from '../api-server/internal-client.ts';
import { containerViewOption } from './container-view-file.ts';
import { CONFIG_MAPS, PODS, SECRETS, type NodeServices } from './node-services.ts';
import { registerNode } from './node-object.ts';
import { podStreams } from './pod-streams.ts';
import { PodWorker } from './pod-worker.ts';
import { ProcessTable } from './process-group.ts';

export { type ImageProgram, type ImageTable } from './image-table.ts';
export { type MountedToken } from './volume-sources.ts';

/** What the node is started with. */
export type NodeOptions = Omit<NodeServices, 'processes' | 'viewOption'> & { readonly containerViewPath: string };

const TICK_MILLISECONDS = 1000;

/** The node while it runs. */
export class SandboxNode {
  readonly streams: PodStreams;
  readonly #services: NodeServices;
  readonly #workers = new Map<string, PodWorker>();
  readonly #stops: (() => void)[] = [];
  readonly #ticker: NodeJS.Timeout;

  constructor(options: NodeOptions) {
    const { containerViewPath, ...services } = options;
    this.#services = { ...services, processes: new ProcessTable(), viewOption: containerViewOption(containerViewPath, join(options.directory, 'view')) };
    this.streams = podStreams((namespace, name) => [...this.#workers.values()].find((worker) => worker.context.pod.metadata.name === name && worker.context.pod.metadata.namespace === namespace));
    this.#ticker = setInterval(() => this.#tick(), TICK_MILLISECONDS);
  }

  /** Registers the node and begins with its pods. */
  async start(): Promise<void> {
    const { client, nodeName, slot, onError } = this.#services;
    this.#stops.push(await registerNode(client, nodeName, slot, onError));
    const refresh = (kind: 'configMap' | 'secret') => (object: StoredObject | undefined, previous: StoredObject | undefined): void => {
      const changed = object ?? previous;
      for (const worker of this.#workers.values()) {
        if (changed && worker.context.pod.metadata.namespace === changed.metadata.namespace && worker.context.volumes?.uses(kind, changed.metadata.name)) worker.refreshVolumes();
      }
    };
    this.#stops.push(client.table(CONFIG_MAPS).subscribe(refresh('configMap')), client.table(SECRETS).subscribe(refresh('secret')));
    this.#stops.push(client.table(PODS).subscribe((pod, previous) => this.#podChanged(pod, previous)));
  }

  /** Sends a signal to a container's process; false when it does not run. */
  signal(namespace: string, pod: string, container: string, signal: NodeJS.Signals): boolean {
    const worker = [...this.#workers.values()].find((candidate) => candidate.context.pod.metadata.name === pod && candidate.context.pod.metadata.namespace === namespace);
    const runner = worker?.containers.find((candidate) => candidate.spec.name === container);
    if (!runner?.process) return false;
    runner.kill(signal);
    return true;
  }

  /** Ends every process. */
  async stop(): Promise<void> {
    for (const stop of this.#stops) stop();
    clearInterval(this.#ticker);
    await Promise.all([...this.#workers.values()].map((worker) => worker.abandon()));
    await this.#services.processes.stop();
  }

  #podChanged(pod: StoredObject | undefined, previous: StoredObject | undefined): void {
    const uid = (pod ?? previous)?.metadata.uid ?? '';
    const worker = this.#workers.get(uid);
    if (!pod) {
      // Removed without a grace period, or its removal has just been asked for by the worker itself.
      this.#workers.delete(uid);
      if (worker) void worker.terminate(0);
      return;
    }
    if (worker) { worker.update(pod); return; }
    if (pod.spec?.nodeName !== this.#services.nodeName) return;
    const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (pod.metadata.deletionTimestamp !== undefined || over) {
      if (pod.metadata.deletionTimestamp !== undefined) this.#remove(pod);
      return;
    }
    this.#workers.set(uid, new PodWorker(this.#services, pod));
  }

  #remove(pod: StoredObject): void {
    this.#services.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0, uid: pod.metadata.uid }).catch((error: unknown) => {
      if (!isStatus(error, 409)) this.#services.onError(error);
    });
  }

  #tick(): void {
    for (const worker of this.#workers.values()) for (const runner of worker.containers) runner.log?.tick();
  }
}
