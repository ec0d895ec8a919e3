import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

function recorder(isTTY: boolean): { text: string; isTTY: boolean; write(part: string): void } {
  return { text: '', isTTY, write(part) { this.text += part; } };
}

test('Progress writes a line a change where there is no terminal', () => {
  const sink = recorder(false);
  let now = 0;
  const progress = new Progress(sink, () => now);
  progress.set('API server', 'working');
  progress.set('API server', 'working');
  progress.set('API server', 'working', 'binding');
  now = 1_500;
  progress.set('API server', 'done', 'https://127.10.0.1:6443');
  expect(sink.text).toBe('… API server\n… API server: binding\n✓ API server (1.5 s): https://127.10.0.1:6443\n');
});

test('Progress redraws its lines on a terminal', () => {
  const sink = recorder(true);
  const progress = new Progress(sink, () => 0);
  progress.set('one', 'working');
  progress.set('two', 'waiting');
  progress.set('one', 'failed', 'no port\nstack');
  expect(sink.text.split('\u001b[2A')).toHaveLength(2);
  expect(sink.text).toContain('✗ one (0.0 s): no port\u001b[0m');
});

test('Progress.run marks what fails and passes the failure on', async () => {
  const sink = recorder(false);
  await expect(new Progress(sink, () => 0).run('x', async () => { throw new Error('broken'); })).rejects.toThrow('broken');
  expect(sink.text).toBe('… x\n✗ x (0.0 s): broken\n');
});
