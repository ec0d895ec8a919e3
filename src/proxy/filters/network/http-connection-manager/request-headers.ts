// What the connection manager does to a request's headers before filters see them: forwarded addresses, request id, trust of control headers, path.
import { randomBytes } from 'node:crypto';
import type { HttpConnectionManagerConfig } from '../../../config/filter-config.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { ConnectionInfo } from '../../../stream/stream-info.ts';

/** Headers by which a client could steer the router; an edge takes them from nobody outside. */
const CONTROL_HEADERS = /^x-envoy-(?:max-retries|retry-on|retry-grpc-on|retriable-status-codes|retriable-header-names|upstream-.*|original-path|original-dst-host|hedge-on-per-try-timeout|decorator-operation|expected-rq-timeout-ms|ip-tags|internal|fault-.*|force-trace|attempt-count)$/;

/** The peer's address without its port. */
export function peerAddress(connection: ConnectionInfo): string {
  const { remoteAddress } = connection;
  return remoteAddress.slice(0, remoteAddress.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Sets x-forwarded-for and its kin; returns the client's address that access rules may trust. */
export function forwardAddresses(headers: RequestHeaders, connection: ConnectionInfo, config: HttpConnectionManagerConfig): string {
  const peer = peerAddress(connection);
  const before = headers.get('x-forwarded-for');
  const hops = before === undefined ? [] : before.split(',').map((hop) => hop.trim());
  const scheme = connection.tls ? 'https' : 'http';
  let client = peer;
  if (config.useRemoteAddress) {
    const trusted = config.trustedForwardedHops;
    if (trusted > 0) client = hops[hops.length - trusted] ?? peer;
    if (config.appendForwardedFor && peer !== '') headers.set('x-forwarded-for', before === undefined ? peer : `${before},${peer}`);
    headers.removeIf((name) => name.startsWith('x-envoy-') && CONTROL_HEADERS.test(name));
    headers.set('x-envoy-external-address', client);
    if (trusted === 0 || !headers.has('x-forwarded-proto')) headers.set('x-forwarded-proto', scheme);
  } else {
    client = hops[hops.length - 1 - config.trustedForwardedHops] ?? peer;
    // Only an edge knows who is inside.
    headers.remove('x-envoy-internal');
    if (!headers.has('x-forwarded-proto')) headers.set('x-forwarded-proto', scheme);
  }
  headers.scheme = headers.get('x-forwarded-proto') === 'https' ? 'https' : 'http';
  return client;
}

let pool = randomBytes(4096);
let position = 0;

/** A random UUID; random bytes are drawn many at a time. */
export function newRequestId(): string {
  if (position + 16 > pool.length) {
    pool = randomBytes(4096);
    position = 0;
  }
  pool[position + 6] = ((pool[position + 6] ?? 0) & 0x0f) | 0x40;
  pool[position + 8] = ((pool[position + 8] ?? 0) & 0x3f) | 0x80;
  const text = pool.toString('hex', position, position + 16);
  position += 16;
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

/** Keeps or makes x-request-id; an edge takes none from outside unless told to. */
export function requestId(headers: RequestHeaders, config: HttpConnectionManagerConfig): string {
  const present = headers.get('x-request-id');
  if (!config.generateRequestId) return present ?? '';
  if (present !== undefined && (!config.useRemoteAddress || config.preserveExternalRequestId)) return present;
  const id = newRequestId();
  headers.set('x-request-id', id);
  return id;
}

/** Removes the port from the authority when the configuration says so. */
export function stripPort(headers: RequestHeaders, connection: ConnectionInfo, mode: HttpConnectionManagerConfig['stripPort']): void {
  if (mode === 'none' || headers.method === 'CONNECT') return;
  const match = /:([0-9]+)$/.exec(headers.authority);
  if (match && (mode === 'any' || connection.localAddress.endsWith(match[0]))) headers.authority = headers.authority.slice(0, -match[0].length);
}
