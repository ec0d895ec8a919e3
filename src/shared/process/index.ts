// Life cycle of programs.
export { startComponents, stopComponents, type Component } from './component.ts';
export { runProgram } from './run.ts';
export { PROGRAM_VERSION } from './program-version.ts';
export { describeOptions, parseOptions, type OptionSpec, type OptionValues } from './options.ts';
