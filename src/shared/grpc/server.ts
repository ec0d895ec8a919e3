// A gRPC server as a Component: with TLS whose certificate can be renewed while it serves, client certificates asked for but not
// demanded (handlers decide by the peer's names), or without TLS.
import type { Duplex } from 'node:stream';
import { ServerCredentials, experimental, Server, type Metadata, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js';
import { Secret } from '../lib/index.ts';
import { createLogger, type Logger } from '../observability/index.ts';
import { parsePeerNames, type PeerNames } from '../pki/index.ts';
import { GrpcError, toServiceError } from './grpc-error.ts';
import { messageStream, type MessageStream } from './message-stream.ts';
import type { GrpcMethod } from './method.ts';

/** The server's certificate, and the roots that client certificates must come from. */
export interface GrpcServerTls {
  readonly certificateChainPem: string;
  readonly privateKeyPem: Secret;
  readonly clientRootsPem: string;
}

/** Who calls. */
export interface GrpcPeer {
  /** `address:port`. */
  readonly address: string;
  /** Names of the client certificate; none when there is no certificate or it is not trusted. */
  readonly names: PeerNames;
  /** The bearer token of the `authorization` metadata. */
  readonly bearerToken: Secret | undefined;
  /** A metadata value that is text. */
  metadata(name: string): string | undefined;
  /** Aborts when the call is over. */
  readonly signal: AbortSignal;
}

/** Where a server listens and how. */
export interface GrpcServerOptions {
  readonly name: string;
  /** Address to bind; all when absent. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** A socket in the file system instead of address and port; only who may reach the path may call. */
  readonly socketPath?: string;
  readonly tls?: GrpcServerTls;
  readonly keepaliveMilliseconds?: number;
  /** Connections are asked to come back after about so long, so that clients spread over replicas. */
  readonly maximumConnectionAgeMilliseconds?: number;
  readonly stopTimeoutMilliseconds?: number;
}

type CertificateListener = Parameters<experimental.CertificateProvider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0];

/** A server from `start` to `stop`. Add the methods before. */
export class GrpcServer {
  readonly name: string;
  readonly #options: GrpcServerOptions;
  readonly #server: Server;
  readonly #certificates: RenewableCertificates | undefined;
  readonly #log: Logger;
  #port = 0;

  constructor(options: GrpcServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = createLogger(options.name);
    this.#certificates = options.tls ? new RenewableCertificates(options.tls) : undefined;
    this.#server = new Server({
      'grpc.keepalive_time_ms': options.keepaliveMilliseconds ?? 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
      ...(options.maximumConnectionAgeMilliseconds ? { 'grpc.max_connection_age_ms': options.maximumConnectionAgeMilliseconds, 'grpc.max_connection_age_grace_ms': 10_000 } : {}),
    });
  }

  /** The port it listens on, once started. */
  get port(): number {
    return this.#port || this.#options.port;
  }

  /** Serves a unary method. */
  addUnary<Request, Response>(method: GrpcMethod<Request, Response>, handler: (request: Request, peer: GrpcPeer) => Promise<Response>): this {
    this.#server.register<Request, Response>(method.path, (call: ServerUnaryCall<Request, Response>, callback: (error: Error | null, value?: Response) => void) => {
      handler(call.request, peerOf(call)).then((response) => callback(null, response), (error: unknown) => {
        this.#note(method.path, error);
        callback(toServiceError(error));
      });
    }, (value) => asBuffer(method.response.encode(value)), (bytes) => method.request.decode(bytes), 'unary');
    return this;
  }

  /** Serves a method that streams both ways: the call ends when the handler's promise does. */
  addStream<Request, Response>(method: GrpcMethod<Request, Response>, handler: (stream: MessageStream<Request, Response>, peer: GrpcPeer) => Promise<void>): this {
    this.#server.register<Request, Response>(method.path, (call: ServerDuplexStream<Request, Response>) => {
      const stream = messageStream<Request, Response>(call as unknown as Duplex, () => call.destroy(toServiceError(new GrpcError('CANCELLED', 'ended by the server'))));
      handler(stream, peerOf(call)).then(() => call.end(), (error: unknown) => {
        if (call.cancelled) return;
        this.#note(method.path, error);
        call.emit('error', toServiceError(error));
      });
    }, (value) => asBuffer(method.response.encode(value)), (bytes) => method.request.decode(bytes), 'bidi');
    return this;
  }

  /** Replaces certificate and trusted roots: new connections get the new ones. */
  setTls(tls: GrpcServerTls): void {
    if (!this.#certificates) throw new Error(`${this.name} serves without TLS`);
    this.#certificates.set(tls);
  }

  async start(_signal?: AbortSignal): Promise<void> {
    const credentials = this.#certificates ? experimental.createCertificateProviderServerCredentials(this.#certificates, this.#certificates, false) : ServerCredentials.createInsecure();
    const { host = '0.0.0.0', port, socketPath } = this.#options;
    const target = socketPath === undefined ? `${host.includes(':') ? `[${host}]` : host}:${port}` : `unix:${socketPath}`;
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(target, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
  }

  /** Lets calls end, then ends them. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, this.#options.stopTimeoutMilliseconds ?? 2_000);
      this.#server.tryShutdown(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  #note(path: string, error: unknown): void {
    if (error instanceof GrpcError) this.#log.debug({ path, code: error.code, error: error.message }, 'call was refused');
    else this.#log.error({ path, error: error instanceof Error ? error.stack ?? error.message : String(error) }, 'call failed');
  }
}

/** Gives the library the present certificates and tells it of new ones. */
class RenewableCertificates implements experimental.CertificateProvider {
  #tls: GrpcServerTls;
  readonly #rootListeners = new Set<CertificateListener>();
  readonly #identityListeners = new Set<IdentityListener>();

  constructor(tls: GrpcServerTls) {
    this.#tls = tls;
  }

  set(tls: GrpcServerTls): void {
    this.#tls = tls;
    for (const listener of this.#rootListeners) listener(this.#roots());
    for (const listener of this.#identityListeners) listener(this.#identity());
  }

  addCaCertificateListener(listener: CertificateListener): void {
    this.#rootListeners.add(listener);
    // Not at once: the library attaches its own watcher only after this call.
    queueMicrotask(() => listener(this.#roots()));
  }

  removeCaCertificateListener(listener: CertificateListener): void {
    this.#rootListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    queueMicrotask(() => listener(this.#identity()));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  #roots(): { caCertificate: Buffer } {
    return { caCertificate: Buffer.from(this.#tls.clientRootsPem) };
  }

  #identity(): { certificate: Buffer; privateKey: Buffer } {
    return { certificate: Buffer.from(this.#tls.certificateChainPem), privateKey: Buffer.from(this.#tls.privateKeyPem.reveal()) };
  }
}

interface ServerCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getAuthContext(): { sslPeerCertificate?: { subjectaltname?: string } };
  on(event: string, listener: () => void): unknown;
}

function peerOf(call: ServerCall): GrpcPeer {
  const over = new AbortController();
  for (const event of ['cancelled', 'close', 'finish']) call.on(event, () => over.abort());
  const text = (name: string): string | undefined => call.metadata.get(name).find((value): value is string => typeof value === 'string');
  const bearer = /^Bearer (\S+)$/i.exec(text('authorization') ?? '')?.[1];
  return {
    address: call.getPeer(),
    // The library gives the certificate only when it was verified against the roots.
    names: parsePeerNames(call.getAuthContext().sslPeerCertificate?.subjectaltname),
    bearerToken: bearer === undefined ? undefined : new Secret(bearer),
    metadata: text,
    signal: over.signal,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
