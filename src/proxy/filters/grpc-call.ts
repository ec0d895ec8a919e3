// A unary gRPC call of a filter's own to a cluster (gRPC over HTTP/2). The messages are the caller's; this file knows frames and statuses.
import type { GrpcServiceConfig } from '../config/service-config.ts';
import { RequestHeaders, type HeaderMap } from '../stream/header-map.ts';
import { callCluster, type ClusterAnswer } from './cluster-call.ts';
import type { FilterServices } from './services.ts';

/** Told once of the answer's message, or of the gRPC status that came instead of one. */
export type GrpcCallDone = (message: Uint8Array | null, status: number) => void;

const PREFIX_BYTES = 5;
const MAXIMUM_ANSWER_BYTES = 1024 * 1024;
const DEADLINE_EXCEEDED = 4;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** Calls method `path` (`/package.Service/Method`); returns the way to give up. */
export function callGrpc(services: FilterServices, service: GrpcServiceConfig, path: string, message: Uint8Array, done: GrpcCallDone): () => void {
  const call = { cluster: service.cluster, headers: requestHeaders(service, path), body: framed(message), timeoutMilliseconds: service.timeoutMilliseconds, maximumAnswerBytes: MAXIMUM_ANSWER_BYTES, protocol: 'HTTP/2' as const };
  return callCluster(services, call, (answer, failure) => {
    if (!answer) {
      done(null, failure === 'timeout' ? DEADLINE_EXCEEDED : UNAVAILABLE);
      return;
    }
    const status = statusOf(answer);
    const content = status === 0 ? unframed(answer.body) : null;
    done(content, status === 0 && content === null ? INTERNAL : status);
  });
}

function requestHeaders({ authority, cluster, metadata, timeoutMilliseconds }: GrpcServiceConfig, path: string): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = 'POST';
  headers.path = path;
  headers.authority = authority === '' ? cluster : authority;
  headers.add('te', 'trailers');
  headers.add('content-type', 'application/grpc');
  if (timeoutMilliseconds > 0) headers.add('grpc-timeout', grpcTimeout(timeoutMilliseconds));
  for (const { name, value } of metadata) headers.add(name, value);
  return headers;
}

/** At most eight digits, in the finest unit that takes no more. */
function grpcTimeout(milliseconds: number): string {
  return milliseconds < 1e8 ? `${Math.max(1, Math.ceil(milliseconds))}m` : `${Math.min(99_999_999, Math.ceil(milliseconds / 1000))}S`;
}

/** The length-prefixed form of a message. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** The one message of an answer; null when there is another number of them, or it is compressed. */
function unframed(body: Buffer): Uint8Array | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return null;
  return body.subarray(PREFIX_BYTES);
}

/** The status of the trailers, or of the headers when there is nothing else; 2 (unknown) when none is given. */
function statusOf({ headers, trailers }: ClusterAnswer): number {
  if (headers.status !== 200) return UNAVAILABLE;
  const text = (trailers ?? (headers as HeaderMap)).get('grpc-status');
  return text !== undefined && /^[0-9]{1,2}$/.test(text) ? Number(text) : 2;
}
