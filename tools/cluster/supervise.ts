// The supervisor: runs inside a node's namespaces (or on the host for an API server alone), keeps the components running that it was told to start, and takes
// orders as lines of JSON on a Unix socket. Started by supervisor.ts as `node supervise.ts SOCKET LOG_FOLDER`.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ComponentCommand, ComponentState, SupervisorOrder, SupervisorReply } from './supervisor.ts';

const FIRST_PAUSE_MILLISECONDS = 300;
const LONGEST_PAUSE_MILLISECONDS = 5_000;
/** A component that ran for so long failed for another reason than the last time. */
const HEALTHY_MILLISECONDS = 20_000;
const GRACE_MILLISECONDS = 10_000;
/** What is removed has nothing to lose. */
const REMOVAL_GRACE_MILLISECONDS = 500;

/** A node's programs see no more of the caller's environment than a service of the machine would. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };

const [socketPath = '', logFolder = ''] = process.argv.slice(2);
const components = new Map<string, Component>();

/** A program that is started again whenever it ends, until it is stopped. */
class Component {
  readonly #command: ComponentCommand;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wanted = true;
  #pause = FIRST_PAUSE_MILLISECONDS;
  #ends = 0;
  #lastEnd = '';

  constructor(command: ComponentCommand) {
    this.#command = command;
    this.#start();
  }

  get state(): ComponentState {
    return { name: this.#command.name, pid: this.#child?.pid, unexpectedEnds: this.#ends, lastEnd: this.#lastEnd };
  }

  #start(): void {
    const [program = '', ...args] = this.#command.command;
    const log = openSync(join(logFolder, `${this.#command.name}.log`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...ENVIRONMENT, ...this.#command.env }, cwd: '/' });
    closeSync(log);
    const started = Date.now();
    this.#child = child;
    child.on('error', (error) => this.#ended(child, started, error.message));
    child.on('exit', (code, signal) => this.#ended(child, started, signal ?? `status ${code}`));
  }

  #ended(child: ChildProcess, started: number, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (!this.#wanted) return;
    this.#ends += 1;
    this.#lastEnd = how;
    this.#pause = Date.now() - started > HEALTHY_MILLISECONDS ? FIRST_PAUSE_MILLISECONDS : Math.min(this.#pause * 2, LONGEST_PAUSE_MILLISECONDS);
    this.#timer = setTimeout(() => this.#start(), this.#pause);
  }

  /** Ends the program and does not start it again. */
  async stop(graceMilliseconds = GRACE_MILLISECONDS): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
    clearTimeout(kill);
    this.#child = undefined;
  }

  /** Ends the program and starts it anew. */
  async restart(): Promise<void> {
    await this.stop();
    this.#wanted = true;
    this.#pause = FIRST_PAUSE_MILLISECONDS;
    this.#start();
  }
}

async function obey(order: SupervisorOrder): Promise<SupervisorReply> {
  if (order.do === 'start') {
    if (components.has(order.component.name)) return { error: `${order.component.name} was started before` };
    components.set(order.component.name, new Component(order.component));
  } else if (order.do === 'restart' || order.do === 'stop') {
    const component = components.get(order.name);
    if (component === undefined) return { error: `${order.name} was never started` };
    await component[order.do]();
    if (order.do === 'stop') components.delete(order.name);
  } else if (order.do === 'end') {
    await Promise.all([...components.values()].map((component) => component.stop(REMOVAL_GRACE_MILLISECONDS)));
    setTimeout(() => process.exit(0), 50);
  }
  return { components: [...components.values()].map((component) => component.state) };
}

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  createInterface({ input: socket }).on('line', (line) => {
    void obey(JSON.parse(line) as SupervisorOrder)
      .catch((error: unknown): SupervisorReply => ({ error: String(error) }))
      .then((reply) => socket.writable && socket.end(`${JSON.stringify(reply)}\n`));
  });
}

rmSync(socketPath, { force: true });
createServer(serve).listen(socketPath);
// A terminal's interrupt is meant for the command that started the cluster.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('SIGTERM', () => void obey({ do: 'end' }));
