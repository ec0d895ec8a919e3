// A gRPC client of one server: TLS with our own roots and, when there is one, a client certificate; a bearer token asked anew for each call.
import type { Duplex } from 'node:stream';
import { credentials, Client, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import type { Secret } from '../lib/index.ts';
import { toGrpcError } from './grpc-error.ts';
import { messageStream, type MessageStream } from './message-stream.ts';
import type { GrpcMethod } from './method.ts';

/** TLS of a client. */
export interface GrpcClientTls {
  readonly rootsPem: string;
  /** The name that the server's certificate must carry; the address's own when absent. */
  readonly serverName?: string;
  readonly certificateChainPem?: string;
  readonly privateKeyPem?: Secret;
}

/** Which server, and how to reach it. */
export interface GrpcClientOptions {
  /** `host:port`. */
  readonly address: string;
  /** Plain text when absent. */
  readonly tls?: GrpcClientTls;
  /** The bearer token for each call. */
  readonly token?: () => Promise<string | undefined>;
  /** Further metadata of each call. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly keepaliveMilliseconds?: number;
}

/** Calls methods of one server. */
export class GrpcClient {
  readonly #options: GrpcClientOptions;
  #client: Client;

  constructor(options: GrpcClientOptions) {
    this.#options = options;
    this.#client = this.#connect(options.tls);
  }

  /** Uses other TLS settings from the next call on; streams that are open go on with the old. */
  setTls(tls: GrpcClientTls): void {
    this.#client.close();
    this.#client = this.#connect(tls);
  }

  /** Calls a unary method; throws a GrpcError. */
  async unary<Request, Response>(method: GrpcMethod<Request, Response>, request: Request, options: { readonly timeoutMilliseconds?: number; readonly signal?: AbortSignal } = {}): Promise<Response> {
    const metadata = await this.#metadata();
    return new Promise<Response>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Request, Response>(method.path, (value) => asBuffer(method.request.encode(value)), (bytes) => method.response.decode(bytes), request, metadata,
        { deadline: Date.now() + (options.timeoutMilliseconds ?? 10_000) }, (error, value) => {
          if (error) reject(toGrpcError(error));
          else resolve(value as Response);
        });
      options.signal?.addEventListener('abort', () => call.cancel(), { once: true });
      if (options.signal?.aborted) call.cancel();
    });
  }

  /** Opens a stream both ways. A server that cannot be reached shows when the stream is read. */
  async openStream<Request, Response>(method: GrpcMethod<Request, Response>, signal?: AbortSignal): Promise<MessageStream<Response, Request>> {
    const metadata = await this.#metadata();
    const call = this.#client.makeBidiStreamRequest<Request, Response>(method.path, (value) => asBuffer(method.request.encode(value)), (bytes) => method.response.decode(bytes), metadata);
    signal?.addEventListener('abort', () => call.cancel(), { once: true });
    if (signal?.aborted) call.cancel();
    return messageStream<Response, Request>(call as unknown as Duplex, () => call.cancel());
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close();
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(this.#options.metadata ?? {})) metadata.set(name, value);
    const token = await this.#options.token?.();
    if (token) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }

  #connect(tls: GrpcClientTls | undefined): Client {
    return new Client(this.#options.address, channelCredentials(tls), {
      'grpc.keepalive_time_ms': this.#options.keepaliveMilliseconds ?? 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_receive_message_length': 256 * 1024 * 1024,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 5_000,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
      ...(tls?.serverName ? { 'grpc.ssl_target_name_override': tls.serverName, 'grpc.default_authority': tls.serverName } : {}),
    });
  }
}

function channelCredentials(tls: GrpcClientTls | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const { certificateChainPem, privateKeyPem } = tls;
  const own = certificateChainPem && privateKeyPem ? { key: Buffer.from(privateKeyPem.reveal()), chain: Buffer.from(certificateChainPem) } : undefined;
  return credentials.createSsl(Buffer.from(tls.rootsPem), own?.key ?? null, own?.chain ?? null);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
