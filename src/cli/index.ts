// The command line.
export { type CommandEnvironment } from './commands/command.ts';
export { runCli } from './program.ts';
export { type RunningSandbox, type StartSandbox } from './story/cluster-starter.ts';
