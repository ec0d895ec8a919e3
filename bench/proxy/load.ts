// A closed-loop HTTP/1.1 load on raw sockets: keep-alive connections, one request at a time on each, latency of every request.
import { connect } from 'node:net';

/** What a run came to. */
export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

/** Loads `address:port` over `connections` for `seconds`. */
export async function load(address: string, port: number, connections: number, seconds: number): Promise<LoadResult> {
  const latencies: number[] = [];
  let failed = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const request = Buffer.from(`GET /bench HTTP/1.1\r\nHost: ${address}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`);
  const one = (): Promise<void> => new Promise((resolve) => {
    const socket = connect({ host: address, port, noDelay: true });
    let sentAt = 0;
    let left = -1;
    const send = (): void => {
      if (performance.now() >= end) {
        socket.destroy();
        resolve();
        return;
      }
      sentAt = performance.now();
      left = -1;
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('data', (data: Buffer) => {
      if (left < 0) {
        const head = data.indexOf('\r\n\r\n');
        const text = data.toString('latin1', 0, head < 0 ? data.length : head);
        if (head < 0 || !text.startsWith('HTTP/1.1 200')) failed += 1;
        const length = /content-length: ([0-9]+)/i.exec(text);
        left = Number(length?.[1] ?? 0) - (data.length - head - 4);
      } else left -= data.length;
      if (left > 0) return;
      latencies.push(performance.now() - sentAt);
      send();
    });
    socket.on('error', () => {
      failed += 1;
      resolve();
    });
    socket.on('close', () => resolve());
  });
  await Promise.all(Array.from({ length: connections }, one));
  latencies.sort((left, right) => left - right);
  const at = (part: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { requests: latencies.length, failed, seconds: (performance.now() - start) / 1000, p50Milliseconds: at(0.5), p99Milliseconds: at(0.99) };
}
