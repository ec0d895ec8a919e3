// Child processes, each the leader of a process group of its own, and the watchdog that ends them all when the sandbox's
// own process dies without a farewell.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/** How a process ended. */
export interface ProcessExit {
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
}

/** What to start. */
export interface ProcessSpec {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stdio: StdioOptions;
}

const SIGNAL_NUMBERS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

// Reads "+ <group>" and "- <group>"; the end of its input means that the sandbox is gone.
const WATCHDOG = `trap '' INT TERM HUP
groups=' '
while read -r op group; do
  case $op in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done`;

/** A process that runs. */
export class ProcessGroup {
  readonly child: ChildProcess;
  /** Resolves when the process has ended; what is left of its group is then ended too. */
  readonly exit: Promise<ProcessExit>;

  constructor(child: ChildProcess, exit: Promise<ProcessExit>) {
    this.child = child;
    this.exit = exit;
  }

  /** Sends a signal to the process itself. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the whole group at once. */
  kill(): void {
    killGroup(this.child.pid);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Starts processes and knows all that run. */
export class ProcessTable {
  readonly #running = new Set<ProcessGroup>();
  readonly #watchdog: ChildProcess;

  constructor() {
    this.#watchdog = spawn('/bin/sh', ['-c', WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
    this.#watchdog.stdin?.on('error', () => undefined);
    this.#watchdog.unref();
  }

  /** Starts a process; fails when the program cannot be run. */
  async start(spec: ProcessSpec): Promise<ProcessGroup> {
    const [program = '', ...programArguments] = spec.command;
    const child = spawn(program, programArguments, { cwd: spec.workingDirectory, env: { ...spec.environment }, detached: true, stdio: spec.stdio });
    const exit = new Promise<ProcessExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0), signal: signal ?? undefined }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const group = new ProcessGroup(child, exit);
    this.#running.add(group);
    this.#tellWatchdog(`+ ${child.pid ?? 0}\n`);
    child.on('error', () => undefined);
    void exit.then(() => {
      killGroup(child.pid);
      this.#running.delete(group);
      this.#tellWatchdog(`- ${child.pid ?? 0}\n`);
    });
    return group;
  }

  /** Ends every process at once, and the watchdog. */
  async stop(): Promise<void> {
    const running = [...this.#running];
    for (const group of running) group.kill();
    await Promise.all(running.map((group) => group.exit));
    this.#watchdog.stdin?.end();
  }

  #tellWatchdog(line: string): void {
    if (this.#watchdog.stdin?.writable) this.#watchdog.stdin.write(line);
  }
}
