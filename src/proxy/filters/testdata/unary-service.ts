// A gRPC server of unary methods on raw HTTP/2, for tests of filters that ask services.
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';

/** Answers a call's message with a message, or with a gRPC status. */
export type UnaryHandler = (path: string, message: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>) => Promise<Uint8Array | number> | Uint8Array | number;

/** The running server. */
export class UnaryService {
  readonly port: number;
  readonly #server: Http2Server;
  readonly #sessions: Set<{ destroy(): void }>;

  constructor(port: number, server: Http2Server, sessions: Set<{ destroy(): void }>) {
    this.port = port;
    this.#server = server;
    this.#sessions = sessions;
  }

  static async start(address: string, handler: UnaryHandler): Promise<UnaryService> {
    const sessions = new Set<{ destroy(): void }>();
    const server = createServer();
    server.on('session', (session) => sessions.add(session));
    server.on('stream', (stream, headers) => {
      const parts: Buffer[] = [];
      stream.on('error', () => undefined);
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => void answer(stream, Buffer.concat(parts).subarray(5), headers, handler));
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const bound = server.address();
    return new UnaryService(typeof bound === 'object' && bound ? bound.port : 0, server, sessions);
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }
}

async function answer(stream: ServerHttp2Stream, message: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>, handler: UnaryHandler): Promise<void> {
  const result = await handler(String(headers[':path']), message, headers);
  if (stream.destroyed) return;
  if (typeof result === 'number') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(result) }, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(result.length, 1);
  stream.end(Buffer.concat([prefix, result]));
}
