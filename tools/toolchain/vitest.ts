// The runners of the rings call vitest alike: the same options, the same words for a failure.
import { join } from 'node:path';
import { text, type CommandLine } from './options.ts';

/** The options of every ring. */
export const RING_OPTIONS = { testNamePattern: text('PATTERN', 'only tests whose names match', 't') };
/** What else a ring's command line may hold: for its usage. */
export const RING_OPERANDS = { operands: '[file filters]', passesTo: 'vitest' } as const;

/** Arguments of Node that run vitest with a configuration and what the command line asks for. */
export function vitestArguments(root: string, configuration: string, reporters: readonly string[], { values: { testNamePattern }, operands, passed }: CommandLine<typeof RING_OPTIONS>): string[] {
  return [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(root, 'config', configuration), ...reporters, ...(testNamePattern === undefined ? [] : ['--testNamePattern', testNamePattern]), ...operands, ...passed];
}
