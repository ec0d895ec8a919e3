// Life cycle of programs.
export { startComponents, stopComponents, type Component } from './component.ts';
export { describeError, runProgram } from './run.ts';
export { describeOptions, parseDuration, parseOptions, type OptionSpec, type OptionValues } from './options.ts';
