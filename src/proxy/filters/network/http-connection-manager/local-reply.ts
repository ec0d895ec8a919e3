// Responses that the proxy makes itself: plain text, or gRPC trailers-only when the request was gRPC.
import type { LocalReply } from '../../../stream/filter.ts';
import { ResponseHeaders } from '../../../stream/header-map.ts';

const GRPC_STATUS: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };

/** A local reply as headers and body. */
export interface BuiltReply { readonly headers: ResponseHeaders; readonly body: string | Buffer }

/** Builds `reply` in the form that a client of `contentType` understands. */
export function buildLocalReply(reply: LocalReply, grpc: boolean): BuiltReply {
  const headers = new ResponseHeaders();
  if (grpc) {
    headers.status = 200;
    headers.add('content-type', 'application/grpc');
    headers.add('grpc-status', String(reply.grpcStatus ?? GRPC_STATUS[reply.status] ?? 2));
    if (reply.body.length > 0) headers.add('grpc-message', percentEncode(reply.body));
    for (const [name, value] of reply.headers ?? []) headers.add(name, value);
    reply.modify?.(headers);
    return { headers, body: '' };
  }
  headers.status = reply.status;
  for (const [name, value] of reply.headers ?? []) headers.add(name, value);
  if (reply.body.length > 0) {
    headers.set('content-length', String(Buffer.byteLength(reply.body)));
    if (!headers.has('content-type')) headers.add('content-type', 'text/plain');
  }
  reply.modify?.(headers);
  return { headers, body: reply.body };
}

function percentEncode(text: string | Buffer): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) encoded += byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}
