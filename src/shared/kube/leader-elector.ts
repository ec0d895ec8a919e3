// Leader election by a Lease (coordination.k8s.io/v1), compatible with client-go's: whoever renews the lease leads; a lease not renewed
// for its duration, by the watcher's own clock, may be taken over.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, ResourceType } from '../api/meta/index.ts';
import { createLogger, programMetrics, type Logger } from '../observability/index.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';

/** A Lease. */
export interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string | undefined;
    leaseDurationSeconds?: number | undefined;
    acquireTime?: string | undefined;
    renewTime?: string | undefined;
    leaseTransitions?: number | undefined;
  };
}

/** Leases as a ResourceType. */
export const leaseType: ResourceType<Lease> = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', scope: 'Namespaced' };

/** Which lease, in whose name, and what to do when it is ours. */
export interface LeaderElectorOptions {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: the pod's name, for example. */
  readonly identity: string;
  readonly leaseMilliseconds?: number;
  readonly renewDeadlineMilliseconds?: number;
  readonly retryMilliseconds?: number;
  /** Called when we lead; `signal` aborts when we lead no more. */
  onStartedLeading(signal: AbortSignal): void | Promise<void>;
  /** Called when the lease was lost without our stopping; usually ends the program. */
  onLost?(): void;
  /** Called when another leader is seen. */
  onNewLeader?(identity: string): void;
}

/** Competes for a lease from `start` to `stop`. */
export class LeaderElector {
  readonly name: string;
  readonly #client: KubeClient;
  readonly #options: LeaderElectorOptions;
  readonly #leaseMilliseconds: number;
  readonly #renewDeadline: number;
  readonly #retry: number;
  readonly #log: Logger = createLogger('leader-election');
  readonly #status = programMetrics.gauge('leader_election_master_status', '1 while this process leads.', ['name']);
  readonly #stop = new AbortController();
  #leading: AbortController | undefined;
  #observed: { readonly version: string; readonly holder: string; readonly at: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(client: KubeClient, options: LeaderElectorOptions) {
    this.name = `leader election ${options.name}`;
    this.#client = client;
    this.#options = options;
    this.#leaseMilliseconds = options.leaseMilliseconds ?? 15_000;
    this.#renewDeadline = options.renewDeadlineMilliseconds ?? 10_000;
    this.#retry = options.retryMilliseconds ?? 2_000;
  }

  /** Whether this process leads now. */
  get isLeader(): boolean {
    return this.#leading !== undefined;
  }

  /** Begins to compete; does not wait for the lease. */
  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    this.#status.set({ name: this.#options.name }, 0);
    this.#running = this.#run();
  }

  /** Stops to compete and gives the lease up, so that another may lead at once. Stop what the leader does before. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (!this.#leading) return;
    this.#endLeading();
    await this.#release().catch((error: unknown) => this.#log.warn({ error: String(error) }, 'the lease was not given up'));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let renewed = 0;
    while (!signal.aborted) {
      const began = performance.now();
      const held = await this.#tryAcquireOrRenew();
      if (held) {
        renewed = began;
        if (!this.#leading) this.#beginLeading();
      } else if (this.#leading && performance.now() - renewed > this.#renewDeadline) {
        this.#lose();
        return;
      }
      const wait = this.#leading ? this.#retry : this.#retry * (1 + 0.2 * Math.random());
      await sleep(wait, undefined, { signal }).catch(() => undefined); // only an abort rejects it
    }
  }

  async #tryAcquireOrRenew(): Promise<boolean> {
    try {
      return await this.#attempt();
    } catch (error) {
      // Another was first, or the server cannot be reached: the loop tries again.
      if (!(error instanceof KubeError && (error.isConflict() || error.isAlreadyExists()))) this.#log.warn({ lease: this.#options.name, error: String(error) }, 'the lease could not be read or written');
      return false;
    }
  }

  async #attempt(): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const timeout = AbortSignal.timeout(this.#renewDeadline);
    const lease = await this.#client.find(leaseType, name, namespace, timeout);
    const now = microTime();
    if (!lease) {
      await this.#client.create(leaseType, { metadata: { name, namespace }, spec: this.#spec(now, now, 0) }, { signal: timeout });
      return true;
    }
    const spec = lease.spec ?? {};
    const holder = spec.holderIdentity ?? '';
    this.#observe(lease.metadata?.resourceVersion ?? '', holder);
    const expired = performance.now() - (this.#observed?.at ?? 0) > (spec.leaseDurationSeconds ?? this.#leaseMilliseconds / 1000) * 1000;
    if (holder !== '' && holder !== identity && !expired) return false;
    const kept = holder === identity;
    const next = this.#spec(kept ? spec.acquireTime ?? now : now, now, (spec.leaseTransitions ?? 0) + (kept ? 0 : 1));
    const written = await this.#client.replace(leaseType, { metadata: lease.metadata, spec: { ...spec, ...next } }, { signal: timeout });
    this.#observe(written.metadata?.resourceVersion ?? '', identity);
    return true;
  }

  /** Notes when a lease was last seen to change, by our own clock: clocks of different machines are never compared. */
  #observe(version: string, holder: string): void {
    if (this.#observed?.version === version) return;
    if (holder !== '' && holder !== this.#observed?.holder) this.#options.onNewLeader?.(holder);
    this.#observed = { version, holder, at: performance.now() };
  }

  #spec(acquireTime: string, renewTime: string, leaseTransitions: number): NonNullable<Lease['spec']> {
    return { holderIdentity: this.#options.identity, leaseDurationSeconds: Math.max(1, Math.round(this.#leaseMilliseconds / 1000)), acquireTime, renewTime, leaseTransitions };
  }

  #beginLeading(): void {
    this.#log.info({ lease: this.#options.name, identity: this.#options.identity }, 'leading');
    this.#status.set({ name: this.#options.name }, 1);
    const leading = new AbortController();
    this.#leading = leading;
    void (async () => this.#options.onStartedLeading(leading.signal))().catch((error: unknown) => {
      this.#log.error({ lease: this.#options.name, error: error instanceof Error ? error.stack ?? error.message : String(error) }, 'what the leader does failed');
      this.#lose();
      this.#stop.abort();
    });
  }

  #endLeading(): void {
    this.#status.set({ name: this.#options.name }, 0);
    this.#leading?.abort();
    this.#leading = undefined;
  }

  #lose(): void {
    this.#log.error({ lease: this.#options.name }, 'the lease was lost');
    this.#endLeading();
    this.#options.onLost?.();
  }

  async #release(): Promise<void> {
    const { namespace, name, identity } = this.#options;
    const lease = await this.#client.find(leaseType, name, namespace);
    if (lease?.spec?.holderIdentity !== identity) return;
    const now = microTime();
    await this.#client.replace(leaseType, { metadata: lease.metadata, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now } });
  }
}

/** RFC 3339 with microseconds, as a Lease's times are written. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
