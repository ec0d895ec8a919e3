// Leadership among the replicas, for what only one may write: root certificates and status. Losing it ends that work, not the program.
import { createLogger } from '../shared/observability/index.ts';
import { LeaderElector, type KubeClient } from '../shared/kube/index.ts';

/** Which lease, and in whose name. */
export interface LeadershipOptions {
  readonly namespace: string;
  readonly leaseName: string;
  readonly identity: string;
}

/** Runs duties while this replica leads. */
export class Leadership {
  readonly name = 'leadership';
  readonly #client: KubeClient;
  readonly #options: LeadershipOptions;
  readonly #duties: ((signal: AbortSignal) => Promise<void>)[] = [];
  readonly #log = createLogger('leadership');
  #elector: LeaderElector | undefined;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(client: KubeClient, options: LeadershipOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Whether this replica leads now. */
  get isLeader(): boolean {
    return this.#elector?.isLeader ?? false;
  }

  /** Adds work that runs, until its signal aborts, whenever this replica leads. */
  addDuty(duty: (signal: AbortSignal) => Promise<void>): void {
    this.#duties.push(duty);
  }

  /** Begins to compete. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.#compete();
  }

  /** Gives leadership up. */
  async stop(): Promise<void> {
    await this.#elector?.stop();
  }

  async #compete(): Promise<void> {
    const elector = new LeaderElector(this.#client, {
      namespace: this.#options.namespace, name: this.#options.leaseName, identity: this.#options.identity,
      onStartedLeading: (leading) => {
        for (const duty of this.#duties) duty(leading).catch((error: unknown) => this.#log.error({ error: String(error) }, 'a duty of the leader failed'));
      },
      onLost: () => {
        if (!this.#signal.aborted) void this.#compete();
      },
    });
    this.#elector = elector;
    await elector.start(this.#signal);
  }
}
