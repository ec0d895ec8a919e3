// What a log line looks like, and which levels are written.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { logLine } from './logger.ts';

describe('a log line', () => {
  it('is one JSON object with level, time, logger, the fields and the message', () => {
    const line = logLine('warn', 'ads', { address: 'a:1', retry: 3 }, 'no connection\nyet');
    expect(line.split('\n')).toHaveLength(2);
    expect(JSON.parse(line)).toEqual({ level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string, logger: 'ads', address: 'a:1', retry: 3, msg: 'no connection\nyet' });
  });

  it('tells errors by message, and what JSON cannot hold as text', () => {
    expect(JSON.parse(logLine('error', 'x', { error: new TypeError('bad') }, 'm'))).toMatchObject({ error: { type: 'TypeError', message: 'bad' } });
    expect(JSON.parse(logLine('error', 'x', { size: 5n }, 'm'))).toMatchObject({ size: '5', msg: 'm' });
  });
});

describe('pino', () => {
  it('writes the same lines, by the same levels, when a program installs it', () => {
    const folder = new URL('./', import.meta.url).href;
    const script = `import { createLogger, setLogLevel } from ${JSON.stringify(`${folder}logger.ts`)};
      import { usePino } from ${JSON.stringify(`${folder}pino-sink.ts`)};
      const before = createLogger('before');
      usePino();
      before.info({ size: 5n, error: new TypeError('bad') }, 'one'); before.debug({}, 'hidden'); setLogLevel('debug', 'before'); before.debug({ a: 1 }, 'two');`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const lines = stderr.trim().split('\n').map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string, logger: 'before', size: 5, error: expect.objectContaining({ type: 'TypeError', message: 'bad' }) as object, msg: 'one' },
      { level: 'debug', time: expect.any(String) as string, logger: 'before', a: 1, msg: 'two' },
    ]);
  });
});

describe('loggers', () => {
  it('write whole lines of their level and above to standard error, also by one logger alone', () => {
    const module = JSON.stringify(new URL('./logger.ts', import.meta.url).href);
    const script = `import { createLogger, setLogLevel, logLevels } from ${module};
      const a = createLogger('a'), b = createLogger('b');
      a.debug({}, 'hidden'); a.info({ text: 'x'.repeat(200000) }, 'long');
      setLogLevel('error'); setLogLevel('debug', 'b');
      a.warn({}, 'hidden'); b.debug({}, 'shown'); createLogger('c').warn({}, 'hidden');
      process.stdout.write(JSON.stringify([logLevels(), a.isDebug(), b.isDebug(), createLogger('a') === a]));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual([{ a: 'error', b: 'debug', c: 'error' }, false, true, true]);
    expect(stderr.trim().split('\n').map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['long', 'shown']);
  });
});
