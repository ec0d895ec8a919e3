// Looks at the first bytes of an accepted connection and gives them back: the work of Envoy's tls_inspector and http_inspector. Node has no peek, so
// what was read is unshifted into the socket.
import type { Duplex } from 'node:stream';
import { MAXIMUM_CLIENT_HELLO, parseClientHello } from './client-hello.ts';

/** What the first bytes tell. */
export interface FirstBytes {
  readonly transport: 'tls' | 'raw_buffer';
  readonly serverName: string;
  /** ALPN of the ClientHello, or what HTTP was detected: http/1.0, http/1.1, h2c. */
  readonly applicationProtocols: readonly string[];
}

/** Nothing known. */
export const NO_FIRST_BYTES: FirstBytes = { transport: 'raw_buffer', serverName: '', applicationProtocols: [] };

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const MAXIMUM_REQUEST_LINE = 8 * 1024;
/** From the first byte on, the decision has to fall within this time, whatever the listener's own timeout (which may be none, for servers that speak first). */
const UNDECIDED_MILLISECONDS = 15_000;

/** Reads what `bytes` tell; null when more are needed. */
export function inspectFirstBytes(bytes: Buffer, tls: boolean, http: boolean): FirstBytes | null {
  if (tls) {
    const hello = parseClientHello(bytes);
    if (hello.kind === 'tls') return { transport: 'tls', serverName: hello.serverName, applicationProtocols: hello.alpn };
    if (hello.kind === 'more' && bytes.length <= MAXIMUM_CLIENT_HELLO) return null;
  }
  if (!http) return NO_FIRST_BYTES;
  const protocol = detectHttp(bytes);
  if (protocol === null) return null;
  return protocol === '' ? NO_FIRST_BYTES : { transport: 'raw_buffer', serverName: '', applicationProtocols: [protocol] };
}

/** The ALPN name of the HTTP version that `bytes` begin, empty for none, null when more are needed. */
export function detectHttp(bytes: Buffer): string | null {
  const start = bytes.toString('latin1', 0, PREFACE.length);
  if (PREFACE.startsWith(start)) return start.length === PREFACE.length ? 'h2c' : null;
  const end = bytes.indexOf(10);
  const line = bytes.toString('latin1', 0, end < 0 ? Math.min(bytes.length, MAXIMUM_REQUEST_LINE) : end);
  if (!/^(?:\r\n)?[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?:$| )/.test(line)) return '';
  if (end < 0) return bytes.length >= MAXIMUM_REQUEST_LINE ? '' : null;
  const match = /^[^ ]+ [^ ]+ HTTP\/1\.([01])\r?$/.exec(line);
  if (!match) return '';
  return match[1] === '0' ? 'http/1.0' : 'http/1.1';
}

/** Waits for the first bytes of `socket` and says what they tell; `done(null)` when it closed or `timeout` passed first (`timedOut`). */
export function readFirstBytes(socket: Duplex, tls: boolean, http: boolean, timeoutMilliseconds: number, done: (found: FirstBytes | null, timedOut: boolean) => void): void {
  let kept: Buffer | null = null;
  let timer: NodeJS.Timeout | null = null;
  let limit: NodeJS.Timeout | null = null;
  const finish = (found: FirstBytes | null, timedOut: boolean): void => {
    if (timer) clearTimeout(timer);
    if (limit) clearTimeout(limit);
    socket.off('data', onData);
    socket.off('end', onGone);
    socket.off('close', onGone);
    socket.off('error', onGone);
    socket.on('error', ignoreLateError);
    socket.pause();
    if (kept) socket.unshift(kept);
    kept = null;
    done(found, timedOut);
  };
  const onData = (data: Buffer): void => {
    kept = kept ? Buffer.concat([kept, data]) : data;
    const found = inspectFirstBytes(kept, tls, http);
    if (found) finish(found, false);
    else if (!limit) limit = setTimeout(() => finish(null, true), UNDECIDED_MILLISECONDS);
  };
  // What was sent before the end is still served: as bytes of no known protocol.
  const onGone = (): void => finish(kept ? NO_FIRST_BYTES : null, false);
  socket.on('data', onData);
  socket.on('end', onGone);
  socket.on('close', onGone);
  socket.on('error', onGone);
  socket.resume();
  if (timeoutMilliseconds > 0) timer = setTimeout(() => finish(null, true), timeoutMilliseconds);
}

// Between inspection and the filter that takes over nobody listens; the close event that follows tells the filter.
function ignoreLateError(): void {
  return undefined;
}
