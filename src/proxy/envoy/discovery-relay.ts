// Envoy's discovery streams passed on to the control plane with the workload's identity, message by message and unchanged: Envoy itself knows
// neither the pod's token nor how to renew its certificate. What goes by is counted, and refusals are logged.
import { GrpcClient, GrpcError, GrpcServer, type Codec, type GrpcMethod, type GrpcPeer, type MessageStream } from '../../shared/grpc/index.ts';
import { describeError, type Secret } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { DeltaDiscoveryRequest, DiscoveryRequest } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { DELTA_AGGREGATED, STREAM_AGGREGATED, type AdsStatus } from '../xds/index.ts';
import { startOnPrivateSocket } from './private-socket.ts';

/** Where the control plane is, and who asks. */
export interface RelayOptions {
  readonly socketPath: string;
  /** `host:port`; port 15010 is plain text. */
  readonly address: string;
  /** Plain text at any port. */
  readonly plainText?: boolean;
  readonly identity: () => { readonly rootsPem: string | undefined; readonly certificateChainPem: string | undefined; readonly privateKeyPem: Secret | undefined };
  readonly token: () => Promise<string | undefined>;
}

/** A response that Envoy refused. */
export interface Refusal {
  readonly typeUrl: string;
  readonly message: string;
}

type RefusalReader = (bytes: Uint8Array) => { readonly typeUrl?: string | undefined; readonly errorDetail?: { readonly message?: string | undefined } | undefined };

const BYTES: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes };
const METHODS: readonly { readonly path: string; readonly read: RefusalReader }[] = [
  { path: STREAM_AGGREGATED.path, read: (bytes) => DiscoveryRequest.decode(bytes) },
  { path: DELTA_AGGREGATED.path, read: (bytes) => DeltaDiscoveryRequest.decode(bytes) },
];

/** The relay from `start` to `stop`. */
export class DiscoveryRelay {
  readonly name = 'discovery-relay';
  readonly #options: RelayOptions;
  readonly #server: GrpcServer;
  readonly #log = createLogger('discovery-relay');
  readonly #refusals = new Map<string, string>();
  #streams = 0;
  #since: Date | undefined;
  #lastError = '';
  #responses = 0;
  #refused = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = new GrpcServer({ name: this.name, port: 0, socketPath: options.socketPath, stopTimeoutMilliseconds: 200 });
    for (const { path, read } of METHODS) {
      const method: GrpcMethod<Uint8Array, Uint8Array> = { path, request: BYTES, response: BYTES };
      this.#server.addStream(method, (stream, peer) => this.#relay(method, read, stream, peer));
    }
  }

  /** What is known of the connection. */
  get status(): AdsStatus {
    return { connected: this.#streams > 0, since: this.#since, lastError: this.#lastError, responses: this.#responses, refusals: this.#refused };
  }

  /** The types of which Envoy refused the last response, and why. */
  get refusals(): readonly Refusal[] {
    return [...this.#refusals].map(([typeUrl, message]) => ({ typeUrl, message }));
  }

  start(): Promise<void> {
    return startOnPrivateSocket(this.#server, this.#options.socketPath);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #relay(method: GrpcMethod<Uint8Array, Uint8Array>, read: RefusalReader, envoy: MessageStream<Uint8Array, Uint8Array>, peer: GrpcPeer): Promise<void> {
    let client: GrpcClient | undefined;
    try {
      client = this.#client();
      const controlPlane = await client.openStream(method, peer.signal);
      const upward = this.#requests(read, envoy, controlPlane);
      // Envoy's end is seen by the control plane, which then ends too; a failure to read from Envoy ends all.
      upward.catch(() => controlPlane.cancel());
      for await (const response of controlPlane) {
        if (this.#responses === 0 || this.#streams === 0) this.#connected();
        this.#responses += 1;
        await envoy.send(response);
      }
      throw new GrpcError('UNAVAILABLE', 'the control plane ended the stream');
    } catch (error) {
      this.#note(describeError(error));
      throw error instanceof GrpcError ? error : new GrpcError('UNAVAILABLE', describeError(error));
    } finally {
      this.#streams = 0;
      client?.close();
    }
  }

  async #requests(read: RefusalReader, envoy: MessageStream<Uint8Array, Uint8Array>, controlPlane: MessageStream<Uint8Array, Uint8Array>): Promise<void> {
    for await (const request of envoy) {
      this.#look(read, request);
      await controlPlane.send(request);
    }
    controlPlane.end();
  }

  #look(read: RefusalReader, request: Uint8Array): void {
    const { typeUrl = '', errorDetail } = read(request);
    if (!errorDetail) {
      this.#refusals.delete(typeUrl);
      return;
    }
    this.#refused += 1;
    this.#refusals.set(typeUrl, errorDetail.message ?? '');
    this.#log.error({ typeUrl, error: errorDetail.message ?? '' }, 'Envoy refused configuration; what it accepted before stays in force');
  }

  #client(): GrpcClient {
    const { address, token, plainText = address.endsWith(':15010') } = this.#options;
    if (plainText) return new GrpcClient({ address, token });
    const { rootsPem, certificateChainPem, privateKeyPem } = this.#options.identity();
    if (rootsPem === undefined) throw new GrpcError('UNAVAILABLE', 'the roots of the control plane are not there yet');
    return new GrpcClient({ address, token, tls: { rootsPem, ...(certificateChainPem !== undefined && privateKeyPem !== undefined ? { certificateChainPem, privateKeyPem } : {}) } });
  }

  #connected(): void {
    this.#streams = 1;
    this.#since = new Date();
    this.#lastError = '';
    this.#log.info({ address: this.#options.address }, 'Envoy is connected to the control plane');
  }

  #note(error: string): void {
    if (this.#streams > 0 || this.#lastError !== error) this.#log.warn({ address: this.#options.address, error }, 'no connection to the control plane; what was accepted stays in force');
    this.#since = undefined;
    this.#lastError = error;
  }
}
