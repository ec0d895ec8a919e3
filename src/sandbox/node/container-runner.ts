// One container of a pod: starts its process, probes it, starts it again with back-off when it ends, and stops it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { nodeAddress } from '../network/index.ts';
import { ContainerLog } from './container-log.ts';
import { MissingSourceError } from './environment.ts';
import { findImage, type ImageProgram } from './image-table.ts';
import { emptyFile, type PodContext } from './pod-context.ts';
import { attempt, type ProbeTarget } from './probe.ts';
import { Prober } from './prober.ts';
import type { ProcessExit, ProcessGroup } from './process-group.ts';

type Spec = StoredObject['spec'];

/** What a container is to its pod; a sidecar is an init container that goes on running. */
export type ContainerKind = 'init' | 'sidecar' | 'app';

/** One of waiting, running, terminated, as in a container's status. */
export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: { readonly exitCode: number; readonly signal?: number; readonly reason: string; readonly message?: string; readonly startedAt: string; readonly finishedAt: string; readonly containerID: string };
}

const BACKOFF_STEPS = 30;
const CONFIG_RETRY_MILLISECONDS = 500;
const MESSAGE_BYTES = 4096;

/** Runs one container until it is stopped, or has ended and may not start again. */
export class ContainerRunner {
  readonly spec: Spec;
  readonly kind: ContainerKind;
  state: ContainerState;
  lastState: ContainerState = {};
  restartCount = 0;
  /** Whether the startup probe has passed, or the process runs and there is none. */
  started = false;
  ready = false;
  log: ContainerLog | undefined;
  previousLog: ContainerLog | undefined;
  readonly #context: PodContext;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  readonly #probers: Prober[] = [];
  #process: ProcessGroup | undefined;
  #image: ImageProgram | undefined;
  #terminationLog = '';
  #crashes = 0;
  #finished: Promise<number> | undefined;
  #killedBy: string | undefined;

  constructor(context: PodContext, spec: Spec, kind: ContainerKind, changed: () => void) {
    this.#context = context;
    this.spec = spec;
    this.kind = kind;
    this.#changed = changed;
    this.state = { waiting: { reason: (context.pod.spec.initContainers ?? []).length > 0 && kind === 'app' ? 'PodInitializing' : 'ContainerCreating' } };
  }

  /** Whether the container has ended and will not start again. */
  get done(): boolean {
    return this.state.terminated !== undefined && (this.#stop.signal.aborted || !this.#restarts(this.state.terminated.exitCode));
  }

  get process(): ProcessGroup | undefined {
    return this.#process;
  }

  /** Runs the container; resolves with its last exit status. */
  run(): Promise<number> {
    this.#finished ??= this.#supervise().catch((error: unknown) => {
      // The node itself could not run it (its disk is full, say): the pod shows that, and can still be deleted.
      this.#context.services.onError(error);
      this.#ended({ code: 128, signal: undefined }, now(), 'RunContainerError', describeError(error));
      return 128;
    });
    return this.#finished;
  }

  /** Ends the container: preStop, SIGTERM, and SIGKILL at the deadline. */
  async stop(deadline: number): Promise<void> {
    const wasStopping = this.#stop.signal.aborted;
    this.#stop.abort();
    if (this.#process && !wasStopping) {
      this.#event('Normal', 'Killing', `Stopping container ${this.spec.name}`);
      await this.#terminate(this.#process, deadline);
    }
    await this.#finished;
    this.#endProbes();
  }

  /** Ends the process at once. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process?.signal(signal);
  }

  /** Runs a command in the container's environment and view. */
  async exec(command: readonly string[], stdio: ('pipe' | 'ignore')[]): Promise<ProcessGroup> {
    if (!this.#image || !this.#process) throw new Error(`container not found ("${this.spec.name}")`);
    const spec = this.#context.execSpec(this.spec, this.#image, this.#terminationLog, command);
    return this.#context.services.processes.start({ ...spec, stdio });
  }

  async #supervise(): Promise<number> {
    for (;;) {
      const exit = await this.#once();
      if (exit === undefined) return 0;
      if (this.#stop.signal.aborted || !this.#restarts(exit.code)) return exit.code;
      await this.#backOff();
      if (this.#stop.signal.aborted) return exit.code;
      this.lastState = this.state.terminated ? { terminated: this.state.terminated } : this.lastState;
      this.restartCount += 1;
    }
  }

  #restarts(exitCode: number): boolean {
    const policy = this.#context.pod.spec.restartPolicy ?? 'Always';
    if (this.kind === 'sidecar') return true;
    if (this.kind === 'init') return exitCode !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  }

  // One life of the process; undefined when the pod was stopped before there was one.
  async #once(): Promise<ProcessExit | undefined> {
    const spec = await this.#prepare();
    if (!spec) return undefined;
    const startedAt = now();
    let started: ProcessGroup;
    this.previousLog = this.log;
    this.log = new ContainerLog(join(this.#context.directory, 'log', this.spec.name, `${this.restartCount}.log`));
    if (this.restartCount > 1) rmSync(join(this.#context.directory, 'log', this.spec.name, `${this.restartCount - 2}.log`), { force: true });
    try {
      started = await this.#context.services.processes.start({ ...spec, stdio: ['ignore', this.log.descriptor, this.log.descriptor] });
    } catch (error) {
      // The program is not there or may not be run: for the pod that is a crash at the start.
      this.log.close();
      const message = describeError(error);
      this.#event('Warning', 'Failed', `Error: ${message}`);
      this.#ended({ code: 128, signal: undefined }, startedAt, 'StartError', message);
      return { code: 128, signal: undefined };
    }
    this.#process = started;
    this.state = { running: { startedAt } };
    this.#event('Normal', 'Started', `Started container ${this.spec.name}`);
    const begun = Date.now();
    const postStart = this.#afterStart(started);
    const exit = await started.exit;
    this.#process = undefined;
    await postStart;
    this.#endProbes();
    this.log.close();
    this.started = false;
    this.ready = false;
    if (exit.code === 0 && this.kind === 'init') this.ready = true;
    // Ran long enough to be taken for healthy: the next crash is a first one.
    if (Date.now() - begun > this.#context.services.restartBackoffMilliseconds * 2 * BACKOFF_STEPS) this.#crashes = 0;
    this.#ended(exit, startedAt, exit.code === 0 ? 'Completed' : 'Error', this.#terminationMessage(exit.code));
    return exit;
  }

  async #prepare(): Promise<ReturnType<PodContext['processSpec']> | undefined> {
    const { images, imageTags } = this.#context.services;
    let failures = 0;
    for (;;) {
      if (this.#stop.signal.aborted) return undefined;
      this.#image = findImage(images, imageTags, this.spec.image ?? '');
      if (!this.#image) {
        this.#missingImage(failures);
      } else {
        try {
          this.#terminationLog = emptyFile(join(this.#context.directory, 'end', this.spec.name));
          const spec = this.#context.processSpec(this.spec, this.#image, this.#terminationLog);
          this.#event('Normal', 'Pulled', `Container image "${this.spec.image}" already present on machine`);
          this.#event('Normal', 'Created', `Created container: ${this.spec.name}`);
          return spec;
        } catch (error) {
          if (!(error instanceof MissingSourceError)) throw error;
          if (failures === 0) this.#event('Warning', 'Failed', `Error: ${error.message}`);
          this.#setState({ waiting: { reason: 'CreateContainerConfigError', message: error.message } });
        }
      }
      const delay = this.#image ? CONFIG_RETRY_MILLISECONDS : this.#context.services.restartBackoffMilliseconds * 2 ** Math.min(failures, 4);
      failures += 1;
      await this.#sleep(delay);
    }
  }

  // A pull that has failed is shown as the back-off until the next one, as on a real node.
  #missingImage(failures: number): void {
    const message = `failed to pull and unpack image "${this.spec.image}": not found`;
    if (failures === 0) {
      this.#event('Normal', 'Pulling', `Pulling image "${this.spec.image}"`);
      this.#event('Warning', 'Failed', `Failed to pull image "${this.spec.image}": ${message}`);
      this.#event('Warning', 'Failed', 'Error: ErrImagePull');
      this.#setState({ waiting: { reason: 'ErrImagePull', message } });
      return;
    }
    this.#event('Normal', 'BackOff', `Back-off pulling image "${this.spec.image}"`);
    this.#setState({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${this.spec.image}": ErrImagePull: ${message}` } });
  }

  async #afterStart(started: ProcessGroup): Promise<void> {
    const hook = this.spec.lifecycle?.postStart;
    if (hook) {
      const result = await this.#hook(hook, Infinity, started);
      if (!result.success && started === this.#process) {
        this.#event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.message}`);
        this.#killedBy = 'PostStartHookError';
        await this.#terminate(started, Date.now() + this.#grace());
        return;
      }
    }
    if (started !== this.#process) return;
    this.#startProbes(started);
    this.#changed();
  }

  #startProbes(started: ProcessGroup): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.spec;
    const afterStartup = (): void => {
      this.started = true;
      this.ready = readinessProbe === undefined;
      if (readinessProbe) this.#probe('Readiness', readinessProbe, (success) => { this.ready = success; this.#changed(); });
      if (livenessProbe) this.#probe('Liveness', livenessProbe, (success) => { if (!success) void this.#restartFor('Liveness', started); });
      this.#changed();
    };
    if (!startupProbe) { afterStartup(); return; }
    const startup = this.#probe('Startup', startupProbe, (success) => {
      startup.stop();
      if (started !== this.#process) return;
      if (success) afterStartup();
      else void this.#restartFor('Startup', started);
    });
  }

  #probe(name: string, probe: Spec, onResult: (success: boolean) => void): Prober {
    const prober = new Prober(probe, this.#target(), {
      onResult,
      onFailedAttempt: (message) => { if (!this.#stop.signal.aborted) this.#event('Warning', 'Unhealthy', `${name} probe failed: ${message}`); },
    });
    this.#probers.push(prober);
    return prober;
  }

  async #restartFor(probe: string, started: ProcessGroup): Promise<void> {
    // A pod that is going away is not restarted for its probes.
    if (started !== this.#process || this.#stop.signal.aborted) return;
    this.#event('Normal', 'Killing', `Container ${this.spec.name} failed ${probe.toLowerCase()} probe, will be restarted`);
    const grace = (probe === 'Liveness' ? this.spec.livenessProbe : this.spec.startupProbe)?.terminationGracePeriodSeconds;
    this.#endProbes();
    await this.#terminate(started, Date.now() + (grace === undefined ? this.#grace() : grace * 1000));
  }

  #grace(): number {
    return (this.#context.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  async #terminate(running: ProcessGroup, deadline: number): Promise<void> {
    const hook = this.spec.lifecycle?.preStop;
    if (hook && Date.now() < deadline) {
      const result = await Promise.race([this.#hook(hook, deadline - Date.now(), running), running.exit]);
      if ('success' in result && !result.success) this.#event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${result.message}`);
    }
    running.signal(this.spec.lifecycle?.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => running.kill(), Math.min(2 ** 31 - 1, Math.max(0, deadline - Date.now())));
    await running.exit;
    clearTimeout(timer);
  }

  async #hook(hook: Spec, limit: number, running: ProcessGroup): Promise<{ success: boolean; message: string }> {
    if (hook.sleep) {
      const ended = new AbortController();
      void running.exit.then(() => ended.abort());
      await sleep(Math.min(limit, (hook.sleep.seconds ?? 0) * 1000), ended.signal);
      return { success: true, message: '' };
    }
    const timeout = Math.min(limit, 2 ** 31 - 1);
    return attempt(hook, this.#target(), timeout);
  }

  #target(): ProbeTarget {
    return {
      podIp: this.#context.podIp, localAddress: nodeAddress(this.#context.services.slot), container: this.spec,
      exec: async (command, timeoutMilliseconds) => {
        const group = await this.exec(command, ['ignore', 'pipe', 'pipe']);
        let output = '';
        const collect = (chunk: Buffer): void => { if (output.length < MESSAGE_BYTES) output += chunk.toString(); };
        group.child.stdout?.on('data', collect);
        group.child.stderr?.on('data', collect);
        const timer = setTimeout(() => { output = `command timed out after ${timeoutMilliseconds} ms`; group.kill(); }, timeoutMilliseconds);
        const exit = await group.exit;
        clearTimeout(timer);
        return { code: exit.code, output };
      },
    };
  }

  #endProbes(): void {
    for (const prober of this.#probers.splice(0)) prober.stop();
  }

  #terminationMessage(exitCode: number): string {
    // The program may have removed the file that it was given for this.
    const said = existsSync(this.#terminationLog) ? readFileSync(this.#terminationLog, 'utf8').slice(0, MESSAGE_BYTES) : '';
    if (said !== '' || exitCode === 0 || this.spec.terminationMessagePolicy !== 'FallbackToLogsOnError' || !this.log) return said;
    return readFileSync(this.log.path, 'utf8').slice(-2048);
  }

  #ended(exit: ProcessExit, startedAt: string, reason: string, message: string): void {
    const cause = this.#killedBy ?? reason;
    this.#killedBy = undefined;
    this.state = { terminated: { exitCode: exit.code, reason: cause, ...(message === '' ? {} : { message }), startedAt, finishedAt: now(), containerID: this.containerId } };
    this.#changed();
  }

  get containerId(): string {
    return `mizzen://${this.#context.pod.metadata.uid}-${this.spec.name}-${this.restartCount}`;
  }

  // The first crash is forgiven at once; then each wait is twice the one before, up to five minutes for ten seconds.
  async #backOff(): Promise<void> {
    const base = this.#context.services.restartBackoffMilliseconds;
    const delay = this.#crashes === 0 ? 0 : Math.min(base * BACKOFF_STEPS, base * 2 ** (this.#crashes - 1));
    this.#crashes += 1;
    if (delay === 0) return;
    const ended = this.state.terminated;
    if (ended) this.lastState = { terminated: ended };
    const { name, namespace, uid } = this.#context.pod.metadata;
    const message = `back-off ${delay / 1000}s restarting failed container=${this.spec.name} pod=${name}_${namespace}(${uid})`;
    this.#event('Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name} in pod ${name}_${namespace}(${uid})`);
    this.#setState({ waiting: { reason: 'CrashLoopBackOff', message } });
    await this.#sleep(delay);
    // Stopped while it waited: what the status shows is how it last ended.
    if (this.#stop.signal.aborted && ended) this.state = { terminated: ended };
  }

  #setState(state: ContainerState): void {
    this.state = state;
    this.#changed();
  }

  #sleep(milliseconds: number): Promise<void> {
    return sleep(milliseconds, this.#stop.signal);
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const list = this.kind === 'app' ? 'containers' : 'initContainers';
    this.#context.services.events.record(this.#context.pod, type, reason, message, `spec.${list}{${this.spec.name}}`);
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) { resolve(); return; }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
