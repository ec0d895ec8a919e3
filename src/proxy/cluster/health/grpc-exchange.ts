// The gRPC health check: grpc.health.v1.Health/Check, whose answer must be SERVING.
import type { HealthCheckerConfig } from '../../config/runtime-config.ts';
import { RequestHeaders } from '../../stream/header-map.ts';
import { addHeaders } from './http-exchange.ts';
import type { ProbeExchange } from './http-probe.ts';

const SERVING = 1;

/** The exchange of `checker`. */
export function grpcExchange(checker: HealthCheckerConfig & { kind: 'grpc' }, authority: string): ProbeExchange {
  return {
    body: checkRequest(checker.serviceName),
    answerBytes: 1024,
    headers: () => {
      const headers = new RequestHeaders();
      headers.method = 'POST';
      headers.path = '/grpc.health.v1.Health/Check';
      headers.authority = authority;
      headers.set('content-type', 'application/grpc');
      headers.set('te', 'trailers');
      headers.set('user-agent', 'Envoy/HC');
      addHeaders(headers, checker.headers);
      return headers;
    },
    judge: (headers, body, trailers) => {
      // A proxy on the way that fails is no word of the service itself.
      if (headers.status !== 200) return { success: false, failure: 'active', retriable: false };
      const status = trailers?.get('grpc-status') ?? headers.get('grpc-status');
      if (status === '0' && servingStatus(body) === SERVING) return { success: true, degraded: headers.has('x-envoy-degraded') };
      return { success: false, failure: 'active', retriable: false };
    },
  };
}

/** HealthCheckRequest { string service = 1 } in a gRPC frame. */
function checkRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const length: number[] = [];
  let rest = name.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length, rest]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** HealthCheckResponse { ServingStatus status = 1 } from a gRPC frame; -1 when it is none. */
function servingStatus(body: Buffer): number {
  if (body.length < 5 || body[0] !== 0) return -1;
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  if (message.length === 0) return 0;
  return message[0] === 0x08 ? message[1] ?? -1 : -1;
}
