// Micro-benchmarks behind choices on the proxy's request path: each compares the way taken with the way left, in one run, and prints nanoseconds and bytes of garbage a call.
// `node --expose-gc bench/micro/request-parts.ts`.
import { randomBytes, randomUUID } from 'node:crypto';
import { createStreamInfo } from '../../src/proxy/stream/create-stream-info.ts';
import type { ConnectionInfo } from '../../src/proxy/stream/stream-info.ts';

const CALLS = 300_000;
const collect = (globalThis as { gc?: () => void }).gc ?? ((): void => undefined);
let sink = 0;

/** Median time a call of five runs, and bytes a call while nothing is collected. */
function measure(what: string, call: (turn: number) => number): void {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    collect();
    const start = performance.now();
    for (let turn = 0; turn < CALLS; turn += 1) sink += call(turn);
    times.push(((performance.now() - start) * 1e6) / CALLS);
  }
  times.sort((left, right) => left - right);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let turn = 0; turn < 1000; turn += 1) sink += call(turn);
  const bytes = (process.memoryUsage().heapUsed - before) / 1000;
  process.stdout.write(`${what.padEnd(58)} ${(times[2] ?? 0).toFixed(0).padStart(6)} ns ${bytes.toFixed(0).padStart(7)} B\n`);
}

const names = ['user-agent', 'accept', 'x-forwarded-proto', 'x-request-id', 'x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled', 'traceparent'];
const heads = Array.from({ length: 64 }, (_unused, index) => names.flatMap((name) => [name, `${name}-${index}-value`]));
const target = Buffer.alloc(8192);
// Written to bytes, as a socket does: this is where a rope of strings is made flat.
const written = (text: string): number => target.write(text, 0, 'latin1');

process.stdout.write('fields of a head as text\n');
measure('  template appended for each field', (turn) => {
  let text = '';
  const items = heads[turn & 63] ?? [];
  for (let index = 0; index < items.length; index += 2) text += `${items[index] ?? ''}: ${items[index + 1] ?? ''}\r\n`;
  return written(text);
});
measure('  appended piece by piece', (turn) => {
  let text = '';
  const items = heads[turn & 63] ?? [];
  for (let index = 0; index < items.length; index += 2) {
    text += items[index] ?? '';
    text += ': ';
    text += items[index + 1] ?? '';
    text += '\r\n';
  }
  return written(text);
});
const parts: string[] = [];
measure('  joined from one array that is kept', (turn) => {
  const items = heads[turn & 63] ?? [];
  parts.length = 0;
  for (let index = 0; index < items.length; index += 2) parts.push(items[index] ?? '', ': ', items[index + 1] ?? '', '\r\n');
  return written(parts.join(''));
});
measure('  written straight into bytes', (turn) => {
  const items = heads[turn & 63] ?? [];
  let at = 0;
  for (let index = 0; index < items.length; index += 2) {
    at += target.write(items[index] ?? '', at, 'latin1');
    at += target.write(': ', at, 'latin1');
    at += target.write(items[index + 1] ?? '', at, 'latin1');
    at += target.write('\r\n', at, 'latin1');
  }
  return at;
});

process.stdout.write('request id\n');
let pool = randomBytes(4096);
let position = 0;
measure('  sliced from pooled random bytes', () => {
  if (position + 16 > pool.length) {
    pool = randomBytes(4096);
    position = 0;
  }
  const text = pool.toString('hex', position, position + 16);
  position += 16;
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`.length;
});
measure('  randomUUID', () => randomUUID().length);

process.stdout.write('record of a stream\n');
const connection: ConnectionInfo = { id: 1, listenerName: 'l', direction: 'outbound', remoteAddress: '127.0.0.1:1', localAddress: '127.0.0.1:2', startMilliseconds: 0, tls: null, keptSource: null, peer: null };
measure('  with a map of its own for filter state', () => {
  const info = createStreamInfo(connection, 'HTTP/1.1', 1);
  return new Map<string, string>().size + info.attempts;
});
measure('  with a map when a filter first writes', () => createStreamInfo(connection, 'HTTP/1.1', 1).attempts);

process.stdout.write('virtual host of an authority\n');
const hosts = new Map([['reviews.test.svc.cluster.local', 1]]);
const seen = new Map<string, number>();
const authorities = Array.from({ length: 4 }, (_unused, index) => `Reviews.test.svc.cluster.local:${9080 + index}`);
measure('  port cut off and lower case each time', (turn) => hosts.get((authorities[turn & 3] ?? '').replace(/:[0-9]+$/, '').toLowerCase()) ?? 0);
measure('  remembered by the authority as it came', (turn) => {
  const authority = authorities[turn & 3] ?? '';
  let found = seen.get(authority);
  if (found === undefined) seen.set(authority, found = hosts.get(authority.replace(/:[0-9]+$/, '').toLowerCase()) ?? 0);
  return found;
});
process.stdout.write(`(${sink > 0 ? 'done' : 'nothing done'})\n`);
