// What a command of the program is: its words, its help, its options, what it does.
import type { OptionSpec, OptionValues } from '../../shared/process/index.ts';
import type { TextSink } from '../output/progress.ts';
import type { StartSandbox } from '../story/cluster-starter.ts';

/** What a command may touch of its surroundings. */
export interface CommandEnvironment {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Version of this program. */
  readonly version: string;
  /** Folder that holds crds, templates, deploy and samples. */
  readonly root: string;
  readonly startSandbox: StartSandbox;
  /** Aborts when the user wants the program to end. */
  readonly signal: AbortSignal;
}

/** One command. */
export interface Command<S extends Readonly<Record<string, OptionSpec>> = Readonly<Record<string, OptionSpec>>> {
  readonly name: string;
  readonly summary: string;
  /** Words after the name, as the usage line shows them. */
  readonly argumentsText?: string;
  readonly description: string;
  readonly options: S;
  /** The exit status. */
  readonly run: (values: OptionValues<S>, rest: readonly string[], environment: CommandEnvironment) => Promise<number>;
}

/** A failure that the user can do something about: shown without a stack. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Makes a command, keeping its options' types. */
export function defineCommand<const S extends Readonly<Record<string, OptionSpec>>>(command: Command<S>): Command {
  return command as unknown as Command;
}
