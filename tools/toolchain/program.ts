// How a program of the tools runs: --help, what is wrong with its command line, what went wrong otherwise, and the exit status: 0, 1 when it failed, 2 when
// it was called wrongly.
import { helpText, parseCommandLine, UsageError, type CommandLine, type Options, type Usage } from './options.ts';

/** Exit status of a program that was called wrongly. */
export const USAGE_STATUS = 2;

/** Runs a program with its command line; its exit status is what `work` resolves with. */
export async function runProgram<O extends Options>(usage: Usage<O>, work: (line: CommandLine<O>) => Promise<number>, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // A reader of what is printed that went away is no reason to stop half-way.
  process.stdout.on('error', () => undefined);
  try {
    const line = parseCommandLine(usage, args);
    if (line === undefined) process.stdout.write(helpText(usage));
    else process.exitCode = await work(line);
  } catch (error) {
    process.exitCode = tellFailure(usage, error);
  }
}

/** Says what went wrong, in words where it is no defect of the program itself; gives the exit status. */
export function tellFailure({ program, command = `npm run ${program}` }: Pick<Usage<Options>, 'program' | 'command'>, error: unknown): number {
  if (isDefect(error)) throw error;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof UsageError)) {
    process.stderr.write(`${program}: ${message}\n`);
    return 1;
  }
  process.stderr.write(`${program}: ${message}. \`${command} -- --help\` lists the options.\n`);
  return USAGE_STATUS;
}

/** An error that only a mistake in the program explains, whose stack is what helps. */
export function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
