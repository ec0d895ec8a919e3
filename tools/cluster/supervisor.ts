// Starts a supervisor and gives it orders. The supervisor outlives this process; whoever knows its socket can speak to it.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDetached, waitUntil } from './command.ts';
import { ClusterError } from './errors.ts';
import { textOf } from '../toolchain/exclusive.ts';

/** A program for the supervisor to keep running. */
export interface ComponentCommand {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a component is. */
export interface ComponentState {
  readonly name: string;
  /** In the supervisor's process namespace; undefined while it does not run. */
  readonly pid: number | undefined;
  readonly unexpectedEnds: number;
  readonly lastEnd: string;
}

/** What a supervisor can be asked to do. */
export type SupervisorOrder =
  | { readonly do: 'start'; readonly component: ComponentCommand }
  | { readonly do: 'restart' | 'stop'; readonly name: string }
  | { readonly do: 'status' | 'end' };

/** What a supervisor answers. */
export type SupervisorReply = { readonly components: readonly ComponentState[] } | { readonly error: string };

const START_MILLISECONDS = 60_000;

/** The client of a supervisor whose socket and logs lie in `folder`. */
export class Supervisor {
  readonly #socket: string;
  readonly #logs: string;

  constructor(folder: string) {
    this.#socket = join(folder, 'supervisor.sock');
    this.#logs = join(folder, 'log');
  }

  /** Starts the supervisor itself; `enter` turns a command into one that runs where the components are to run. */
  async launch(enter: (command: readonly string[]) => readonly string[]): Promise<number> {
    mkdirSync(this.#logs, { recursive: true });
    const log = openSync(join(this.#logs, 'supervisor.log'), 'a');
    const pid = startDetached(enter([process.execPath, fileURLToPath(new URL('supervise.ts', import.meta.url)), this.#socket, this.#logs]), log);
    closeSync(log);
    await waitUntil(() => this.#ask({ do: 'status' }).then(() => true, () => undefined), START_MILLISECONDS,
      () => `the supervisor did not start: ${textOf(join(this.#logs, 'supervisor.log'))?.slice(-1000) ?? ''}`);
    return pid;
  }

  async start(component: ComponentCommand): Promise<void> {
    await this.#ask({ do: 'start', component });
  }

  async restart(name: string): Promise<void> {
    await this.#ask({ do: 'restart', name });
  }

  async stop(name: string): Promise<void> {
    await this.#ask({ do: 'stop', name });
  }

  /** Ends all components and the supervisor. */
  async end(): Promise<void> {
    await this.#ask({ do: 'end' });
  }

  async status(): Promise<readonly ComponentState[]> {
    return this.#ask({ do: 'status' });
  }

  /** The last lines that a component logged. */
  logTail(name: string, characters = 2000): string {
    return textOf(join(this.#logs, `${name}.log`))?.slice(-characters) ?? '(no log)';
  }

  #ask(order: SupervisorOrder): Promise<readonly ComponentState[]> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#socket);
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('error', (error) => reject(new ClusterError('CLUSTER_COMPONENT', `the supervisor at ${this.#socket} does not answer: ${error.message}`, { cause: error })));
      socket.on('end', () => {
        const reply = text === '' ? { error: 'the supervisor ended' } : JSON.parse(text) as SupervisorReply;
        if ('error' in reply) reject(new ClusterError('CLUSTER_COMPONENT', reply.error));
        else resolve(reply.components);
      });
      socket.write(`${JSON.stringify(order)}\n`);
    });
  }
}
