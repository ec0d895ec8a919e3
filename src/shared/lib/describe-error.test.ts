import { expect, test } from 'vitest';
import { describeError } from './describe-error.ts';

test('describeError says an error and its causes in one line', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
  expect(describeError(new Error('the webhook cannot be asked', { cause: refused }))).toBe('the webhook cannot be asked: connect ECONNREFUSED 127.0.0.1:1');
  expect(describeError(new AggregateError([refused, 'late'], 'all failed'))).toBe('all failed: connect ECONNREFUSED 127.0.0.1:1; late');
});

test('describeError does not say twice what the error says of its cause', () => {
  const cause = new Error('unexpected end');
  expect(describeError(new Error(`not JSON: ${cause.message}`, { cause }))).toBe('not JSON: unexpected end');
});

test('describeError takes anything that was thrown', () => {
  expect([undefined, null, 'text', 7].map(describeError)).toEqual(['undefined', 'null', 'text', '7']);
});
