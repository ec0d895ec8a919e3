// The cluster's own kubectl, for the tools and the tests.
import { attempt, run, waitUntil, type CommandOptions, type CommandResult } from './command.ts';

/** kubectl with the credentials of one cluster. */
export class Kubectl {
  readonly #command: readonly string[];

  constructor(program: string, kubeconfig: string) {
    // Without its cache of discovery, which would outlive the cluster and grow with every one.
    this.#command = [program, `--kubeconfig=${kubeconfig}`, '--cache-dir=/dev/null'];
  }

  /** Runs kubectl; throws unless it succeeds. */
  run(args: readonly string[], options?: CommandOptions): Promise<string> {
    return run([...this.#command, ...args], options);
  }

  /** Runs kubectl, whatever its status. */
  attempt(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return attempt([...this.#command, ...args], options);
  }

  /** Runs kubectl again and again until it succeeds. */
  async until(args: readonly string[], timeoutMilliseconds: number, purpose: string, log: () => string = () => ''): Promise<string> {
    let last = '';
    return waitUntil(async () => {
      const result = await this.attempt(args);
      last = result.stderr.trim() || result.stdout.trim();
      return result.status === 0 ? result.stdout : undefined;
    }, timeoutMilliseconds, () => `${purpose} did not come about: ${last.slice(-1500)}${log()}`);
  }

  /** The command line that `args` make, for who starts it on his own. */
  commandLine(args: readonly string[]): string[] {
    return [...this.#command, ...args];
  }
}
