// Port-forward as kubectl speaks it since 1.30: SPDY/3.1 inside a WebSocket's binary messages (KEP-4006). For every connection the client opens two streams with the
// same requestID header: one for what goes wrong (streamtype: error), one for the bytes (streamtype: data).
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { describeError } from '../../../shared/lib/index.ts';
import type { Headers } from './header-block.ts';
import { SpdyConnection } from './spdy-connection.ts';

/** The WebSocket protocol that is served here. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

const PAIR_TIMEOUT_MILLISECONDS = 30_000;
const MAX_BUFFERED = 1024 * 1024;

interface HalfPair { stream: Duplex; type: string; timer: NodeJS.Timeout }

/** Serves every connection of a tunnel; `open` connects to a port of the pod. */
export function serveTunnel(client: WebSocket, pod: string, open: (port: number) => Promise<Duplex>): void {
  const waiting = new Map<string, HalfPair>();
  const connection = new SpdyConnection({
    send: (bytes) => send(client, bytes),
    onStream: (stream, headers) => {
      stream.on('error', () => undefined); // Its connection is torn down with it.
      pair(waiting, stream, headers, (error, data, port) => { forward(pod, port, open, error, data).catch(() => undefined); }); // The error stream has told it.
    },
  });
  // One message at a time: frames build on each other.
  let last = Promise.resolve();
  client.on('message', (message: Buffer) => {
    client.pause();
    last = last.then(() => connection.receive(message)).then(() => { client.resume(); }, (error: unknown) => { client.close(1002, describeError(error).slice(0, 120)); client.resume(); });
  });
  client.on('close', () => {
    for (const { timer } of waiting.values()) clearTimeout(timer);
    connection.close();
  });
  client.resume();
}

function send(client: WebSocket, bytes: Buffer): Promise<void> {
  if (client.readyState !== client.OPEN) return Promise.resolve();
  return new Promise((resolve, reject) => {
    client.send(bytes, (error) => { if (error) reject(error); else resolve(); });
    if (client.bufferedAmount < MAX_BUFFERED) resolve();
  });
}

/** Brings the two streams of a request together, in whichever order they come. */
function pair(waiting: Map<string, HalfPair>, stream: Duplex, headers: Headers, ready: (error: Duplex, data: Duplex, port: number) => void): void {
  const [type, port, request] = [headers.get('streamtype') ?? '', Number(headers.get('port')), headers.get('requestid') ?? ''];
  if ((type !== 'error' && type !== 'data') || !Number.isInteger(port) || port < 1 || port > 65_535) {
    stream.destroy();
    return;
  }
  const key = `${request} ${String(port)}`;
  const other = waiting.get(key);
  if (!other) {
    const timer = setTimeout(() => { waiting.delete(key); stream.destroy(); }, PAIR_TIMEOUT_MILLISECONDS);
    waiting.set(key, { stream, type, timer });
    return;
  }
  if (other.type === type) {
    stream.destroy();
    return;
  }
  clearTimeout(other.timer);
  waiting.delete(key);
  if (type === 'data') ready(other.stream, stream, port);
  else ready(stream, other.stream, port);
}

async function forward(pod: string, port: number, open: (port: number) => Promise<Duplex>, error: Duplex, data: Duplex): Promise<void> {
  error.resume();
  try {
    const target = await open(port);
    try {
      // Each direction ends on its own, as TCP's do.
      await Promise.all([pipeline(data, target, { end: true }), pipeline(target, data, { end: true })]);
    } finally {
      target.destroy();
    }
    error.end();
  } catch (cause) {
    error.end(`error forwarding port ${String(port)} to pod ${pod}: ${describeError(cause)}`);
    data.end();
  }
}
