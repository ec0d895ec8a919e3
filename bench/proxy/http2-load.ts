// A closed-loop HTTP/2 load by h2load of nghttp2: connections with several streams at a time on each, latency of every request from its log.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadResult } from './load.ts';

/** What is asked: small GETs, or gRPC's unary calls. */
export type Http2Kind = 'get' | 'grpc';

const STREAMS = 4;

/** Why there is no load, or null when there is. */
export function missingLoad(): string | null {
  return spawnSync('h2load', ['--version']).status === 0 ? null : 'no h2load on PATH (package nghttp2-client)';
}

/** Loads `address:port` over `connections` streams for `seconds`, four of them on each connection. */
export async function http2Load(kind: Http2Kind, place: { readonly address: string; readonly port: number; readonly directory: string }, connections: number, seconds: number): Promise<LoadResult> {
  const log = join(place.directory, 'h2load.log');
  rmSync(log, { force: true });
  const start = performance.now();
  const output = await run(['-c', String(Math.max(1, Math.round(connections / STREAMS))), '-m', String(STREAMS), '-D', String(seconds), '--log-file', log, ...bodyOf(kind, place.directory), `http://${place.address}:${place.port}/bench`]);
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  // Start in microseconds, status, microseconds.
  const latencies = lines.map((line) => Number(line.split('\t')[2]) / 1000).sort((left, right) => left - right);
  const counted = /requests: .* ([0-9]+) succeeded, ([0-9]+) failed, ([0-9]+) errored, ([0-9]+) timeout/.exec(output);
  const at = (part: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { requests: Number(counted?.[1] ?? 0), failed: counted ? Number(counted[2]) + Number(counted[3]) + Number(counted[4]) : 1, seconds: (performance.now() - start) / 1000, p50Milliseconds: at(0.5), p99Milliseconds: at(0.99) };
}

function bodyOf(kind: Http2Kind, directory: string): string[] {
  if (kind === 'get') return [];
  const file = join(directory, 'message');
  writeFileSync(file, Buffer.concat([Buffer.from([0, 0, 0, 0, 120]), Buffer.alloc(120, 'x')]));
  return ['-d', file, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
