// One pod on the node, from its volumes to its end: init containers and sidecars in order, then the containers, and
// everything back again in reverse when the pod is deleted.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import { isStatus } from '../api-server/cached-client.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { nodeAddress } from '../network/index.ts';
import { ContainerRunner } from './container-runner.ts';
import { MissingSourceError } from './environment.ts';
import { PODS, type NodeServices } from './node-services.ts';
import { PodContext } from './pod-context.ts';
import { podStatus } from './pod-status.ts';
import { PodVolumes } from './pod-volumes.ts';

const VOLUME_RETRY_MILLISECONDS = 200;
const DEADLINE_EXCEEDED = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
const SIDECAR_LEAST_GRACE_MILLISECONDS = 2000;

/** Runs one pod. */
export class PodWorker {
  readonly context: PodContext;
  readonly #init: ContainerRunner[];
  readonly #apps: ContainerRunner[];
  readonly #stop = new AbortController();
  readonly #startTime: string;
  readonly #started: Promise<void>;
  #statusDirty = false;
  #abandoned = false;
  #statusWriter: Promise<void> | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #termination: Promise<void> | undefined;
  #deadline = Infinity;
  #activeLimit: NodeJS.Timeout | undefined;
  #exceeded = false;
  readonly #waiters = new Set<() => void>();

  constructor(services: NodeServices, pod: StoredObject) {
    const podIp = pod.spec.hostNetwork ? nodeAddress(services.slot) : services.addresses.allocate();
    this.context = new PodContext(services, pod, podIp, join(services.directory, 'pods', pod.metadata.uid.slice(0, 13)));
    this.#startTime = `${new Date().toISOString().slice(0, 19)}Z`;
    const changed = (): void => this.#changed();
    this.#init = (pod.spec.initContainers ?? []).map((spec: StoredObject['spec']) => new ContainerRunner(this.context, spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init', changed));
    this.#apps = (pod.spec.containers ?? []).map((spec: StoredObject['spec']) => new ContainerRunner(this.context, spec, 'app', changed));
    this.#changed();
    const seconds: number | undefined = pod.spec.activeDeadlineSeconds;
    if (seconds !== undefined) this.#activeLimit = setTimeout(() => { this.#exceed().catch((error: unknown) => services.onError(error)); }, Math.min(2 ** 31 - 1, seconds * 1000));
    this.#started = this.#run().catch((error: unknown) => services.onError(error));
  }

  get containers(): readonly ContainerRunner[] {
    return [...this.#init, ...this.#apps];
  }

  /** Takes over a new version of the pod's object. */
  update(pod: StoredObject): void {
    const before = this.context.pod;
    this.context.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      void this.terminate((pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
      return;
    }
    if (!deepEqual(before.metadata.labels, pod.metadata.labels) || !deepEqual(before.metadata.annotations, pod.metadata.annotations)) this.refreshVolumes();
    // The status tells of what was added to a running pod; a readiness gate may have been opened by its owner.
    if (!deepEqual(before.spec, pod.spec)) this.#changed();
    else if ((pod.spec.readinessGates ?? []).length > 0 && !deepEqual(before.status?.conditions, pod.status?.conditions)) this.#changed();
  }

  /** Makes the volumes anew, after what they are made from has changed. */
  refreshVolumes(): void {
    this.#refreshVolumes().catch((error: unknown) => {
      // What is mounted stays until the source is whole again.
      if (!(error instanceof MissingSourceError)) this.context.services.onError(error);
    });
  }

  /** Ends the pod: containers within the grace period, then the sidecars in reverse order; then the object is removed. */
  terminate(graceMilliseconds: number): Promise<void> {
    this.#deadline = Math.min(this.#deadline, Date.now() + graceMilliseconds);
    if (graceMilliseconds === 0) for (const runner of this.containers) runner.process?.kill();
    this.#termination ??= this.#terminate().catch((error: unknown) => this.context.services.onError(error));
    return this.#termination;
  }

  /** Ends the processes at once and leaves the object as it is, for the node itself stops. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    this.#stop.abort();
    this.#wake();
    clearTimeout(this.#renewal);
    clearTimeout(this.#activeLimit);
    for (const runner of this.containers) runner.process?.kill();
    await Promise.all(this.containers.map((runner) => runner.stop(Date.now())));
    await this.#statusWriter;
  }

  async #run(): Promise<void> {
    if (!(await this.#mountVolumes())) return;
    for (const runner of this.#init) {
      const finished = runner.run();
      if (runner.kind === 'sidecar') {
        await this.#until(() => runner.started);
      } else if ((await finished) !== 0 && !this.#stop.signal.aborted) {
        await this.#finish();
        return;
      }
      if (this.#stop.signal.aborted) return;
    }
    await Promise.all(this.#apps.map((runner) => runner.run()));
    if (this.#stop.signal.aborted) return;
    await this.#finish();
  }

  // The pod is over by itself: what is left are its sidecars.
  async #finish(): Promise<void> {
    clearTimeout(this.#activeLimit);
    this.#deadline = Math.min(this.#deadline, Date.now() + (this.context.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
    await this.#stopSidecars();
    this.#changed();
  }

  async #mountVolumes(): Promise<boolean> {
    const { services, pod, directory } = this.context;
    for (let tries = 0; !this.#stop.signal.aborted; tries += 1) {
      this.context.volumes ??= new PodVolumes({ pod, directory, hostDirectory: services.directory, sources: () => this.context.sources() });
      try {
        await this.#refreshVolumes();
        return true;
      } catch (error) {
        if (tries === 0) services.events.record(pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed: ${describeError(error)}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(5000, VOLUME_RETRY_MILLISECONDS * 2 ** Math.min(tries, 5)));
          this.#stop.signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); });
        });
      }
    }
    return false;
  }

  async #refreshVolumes(): Promise<void> {
    if (!this.context.volumes || this.#stop.signal.aborted) return;
    const renewAt = await this.context.volumes.refresh();
    clearTimeout(this.#renewal);
    if (renewAt === Infinity || this.#stop.signal.aborted) return;
    this.#renewal = setTimeout(() => this.refreshVolumes(), Math.min(2 ** 31 - 1, Math.max(1000, renewAt - Date.now())));
  }

  // The pod has run for longer than it may: it has failed, whatever its containers say, and is not started again.
  async #exceed(): Promise<void> {
    this.#exceeded = true;
    this.#deadline = Math.min(this.#deadline, Date.now() + (this.context.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
    await Promise.all(this.#apps.map((runner) => runner.stop(this.#deadline)));
    await this.#stopSidecars();
    this.#changed();
  }

  async #terminate(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#activeLimit);
    this.#wake();
    await Promise.all(this.#apps.map((runner) => runner.stop(this.#deadline)));
    await this.#stopSidecars();
    await this.#started;
    clearTimeout(this.#renewal);
    this.#changed();
    await this.#statusWriter;
    const { services, pod, podIp, directory } = this.context;
    if (!pod.spec.hostNetwork) services.addresses.free(podIp);
    rmSync(directory, { recursive: true, force: true });
    await services.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0, uid: pod.metadata.uid }).catch((error: unknown) => {
      // Another pod of the name has taken the place.
      if (!isStatus(error, 409)) throw error;
    });
  }

  // In reverse order of their start, for the first sidecar may serve the second.
  async #stopSidecars(): Promise<void> {
    for (const runner of [...this.#init].reverse()) await runner.stop(Math.max(this.#deadline, Date.now() + SIDECAR_LEAST_GRACE_MILLISECONDS));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#stop.signal.aborted) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }

  #changed(): void {
    this.#wake();
    this.#statusDirty = true;
    this.#statusWriter ??= this.#writeStatus().finally(() => { this.#statusWriter = undefined; });
  }

  async #writeStatus(): Promise<void> {
    // One turn later, so that changes which come together are written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#statusDirty && !this.#abandoned) {
      this.#statusDirty = false;
      const { pod, services } = this.context;
      const present = services.client.table(PODS).get(pod.metadata.namespace, pod.metadata.name);
      if (!present || present.metadata.uid !== pod.metadata.uid) return;
      this.context.pod = present;
      const status = { ...podStatus(this.context, this.#init, this.#apps, this.#startTime), ...(this.#exceeded ? DEADLINE_EXCEEDED : {}) };
      if (deepEqual(present.status ?? {}, status)) continue;
      try {
        await services.client.patch(PODS, pod.metadata.namespace, pod.metadata.name, { status }, 'status');
      } catch (error) {
        if (isStatus(error, 404)) return;
        if (this.#abandoned) return;
        services.onError(error);
        await new Promise((resolve) => setTimeout(resolve, VOLUME_RETRY_MILLISECONDS));
        this.#statusDirty = true;
      }
    }
  }
}
