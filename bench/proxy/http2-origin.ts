// The HTTP/2 origin of the proxy benchmark: answers every request with the same small response, gRPC with its trailers. It speaks by our own codec, as node:http2 would take the CPUs that are
// measured. `node bench/proxy/http2-origin.ts ADDRESS PORT`.
import { createServer } from 'node:net';
import { Http2ServerConnection } from '../../src/proxy/codec/http2/server-connection.ts';
import type { RequestDecoder, ResponseEncoder } from '../../src/proxy/codec/api.ts';
import { HeaderMap, ResponseHeaders } from '../../src/proxy/stream/header-map.ts';

const [, , address = '127.0.0.1', port = '0'] = process.argv;
const body = Buffer.alloc(125, 'x');
/** A gRPC message of 120 bytes behind its head of five. */
const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 120]), Buffer.alloc(120, 'x')]);

function answer(encoder: ResponseEncoder, grpc: boolean): void {
  if (grpc) {
    encoder.encodeHeaders(new ResponseHeaders(['content-type', 'application/grpc']), false);
    encoder.encodeData(message, false);
    encoder.encodeTrailers(new HeaderMap(['grpc-status', '0']));
  } else {
    encoder.encodeHeaders(new ResponseHeaders(['content-type', 'text/plain', 'content-length', '125']), false);
    encoder.encodeData(body, true);
  }
}

function decoderOf(encoder: ResponseEncoder): RequestDecoder {
  let grpc = false;
  return {
    decodeHeaders: (headers, end) => {
      grpc = headers.get('content-type') === 'application/grpc';
      if (end) answer(encoder, grpc);
    },
    decodeData: (_data, end) => {
      if (end) answer(encoder, grpc);
    },
    decodeTrailers: () => answer(encoder, grpc),
    onReset: () => undefined,
    onBlocked: () => undefined,
  };
}

createServer({ noDelay: true }, (socket) => {
  const ignore = (): void => undefined;
  // The connection is held by its socket.
  void new Http2ServerConnection(socket, { newStream: decoderOf, onProtocolError: ignore, onActivity: ignore, onClose: ignore }, {
    limits: { maximumHeadBytes: 60 * 1024, maximumHeaders: 100 }, maximumConcurrentStreams: 1024, allowConnect: false, drainGraceMilliseconds: 1000, headersTimeoutMilliseconds: 60_000, flushTimeoutMilliseconds: 300_000,
  });
}).listen(Number(port), address);
