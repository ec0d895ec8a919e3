import { expect, test } from 'vitest';
import { describeOptions, parseOptions } from './options.ts';

const specs = {
  port: { kind: 'number', default: 8080, env: 'PORT', help: 'Port to listen on' },
  logLevel: { kind: 'string', default: 'info', help: 'Level of the logs' },
  dryRun: { kind: 'boolean', default: false, help: 'Only say what would be done' },
  wait: { kind: 'duration', env: 'WAIT', help: 'How long to wait' },
  names: { kind: 'list', default: [], help: 'Names' },
} as const;

test('parseOptions takes flags before the environment before defaults', () => {
  const result = parseOptions(specs, ['--port=1', 'word', '--log-level', 'debug', '--dry-run', '--', '--x'], { PORT: '2', WAIT: '1m30s' });
  expect(result).toEqual({ ok: true, value: { values: { port: 1, logLevel: 'debug', dryRun: true, wait: 90_000, names: [] }, rest: ['word', '--x'] } });
  const fromEnv = parseOptions(specs, ['--names', 'a, b,'], { PORT: '2', WAIT: '' });
  expect(fromEnv.ok && fromEnv.value.values).toEqual({ port: 2, logLevel: 'info', dryRun: false, wait: undefined, names: ['a', 'b'] });
});

test('parseOptions takes no negative duration', () => {
  const result = parseOptions(specs, [], { WAIT: '-1s' });
  expect(result.ok ? [] : result.error).toEqual(["WAIT: '-1s' is not a duration like 15s or 500ms"]);
});

test('parseOptions gives everything that is wrong at once', () => {
  const result = parseOptions(specs, ['--port', 'x', '--nope', '--dry-run=maybe', '--log-level'], { WAIT: 'soon' });
  expect(result.ok ? [] : result.error).toEqual(['unknown flag --nope', '--log-level needs a value', "--port: 'x' is not a number", "--dry-run: 'maybe' is neither true nor false", "WAIT: 'soon' is not a duration like 15s or 500ms"]);
});

test('describeOptions shows flags, defaults and variables', () => {
  expect(describeOptions({ port: specs.port })).toBe('  --port NUMBER  Port to listen on (default 8080, env PORT)\n');
});
