// The program `mizzen`: finds the command that the arguments name, parses its options, runs it.
import { describeOptions, parseOptions } from '../shared/process/index.ts';
import { describeError } from '../shared/lib/index.ts';
import { CommandError, type Command, type CommandEnvironment } from './commands/command.ts';
import { proxyConfigCommand } from './commands/proxy-config.ts';
import { proxyStatusCommand } from './commands/proxy-status.ts';
import { upCommand } from './commands/up.ts';
import { versionCommand } from './commands/version.ts';
import { suggest } from './output/suggest.ts';

const commands: readonly Command[] = [upCommand, proxyStatusCommand, proxyConfigCommand, versionCommand];

/** Exit status for wrong usage. */
const USAGE = 2;

/** Runs one invocation; gives the exit status. */
export async function runCli(args: readonly string[], environment: CommandEnvironment): Promise<number> {
  const [name = 'help', ...rest] = args;
  if (name === '--version') return runCli(['version', ...rest], environment);
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0], environment);
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) {
    const near = suggest(name, commands.map((candidate) => candidate.name));
    environment.stderr.write(`mizzen: unknown command '${name}'.${near ? ` Did you mean '${near}'?` : ''} Run 'mizzen help' for the list.\n`);
    return USAGE;
  }
  if (rest.includes('--help') || rest.includes('-h')) return help(name, environment);
  const parsed = parseOptions(command.options, rest, environment.env);
  if (!parsed.ok) {
    for (const problem of parsed.error) environment.stderr.write(`mizzen ${name}: ${problem}\n`);
    environment.stderr.write(`Run 'mizzen help ${name}' for the options.\n`);
    return USAGE;
  }
  try {
    return await command.run(parsed.value.values, parsed.value.rest, environment);
  } catch (error) {
    environment.stderr.write(`mizzen ${name}: ${describeError(error)}\n`);
    return error instanceof CommandError ? error.exitCode : 1;
  }
}

function help(name: string | undefined, { stdout, stderr }: CommandEnvironment): number {
  if (name === undefined) {
    const width = Math.max(...commands.map((command) => command.name.length));
    stdout.write(`mizzen: a service mesh for Kubernetes and OpenShift\n\nUsage: mizzen COMMAND [options]\n\nCommands:\n${
      commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}\n`).join('')}\nRun 'mizzen help COMMAND' for a command's options.\n`);
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) {
    stderr.write(`mizzen: unknown command '${name}'.\n`);
    return USAGE;
  }
  const options = describeOptions(command.options);
  stdout.write(`Usage: mizzen ${command.name}${command.argumentsText ? ` ${command.argumentsText}` : ''}${options ? ' [options]' : ''}\n\n${command.description}\n${options ? `\nOptions:\n${options}` : ''}`);
  return 0;
}
