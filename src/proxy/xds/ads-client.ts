// The client of aggregated discovery: one stream to the control plane, state of the world or delta, opened again with back-off when it ends.
// What was accepted stays in force meanwhile. Protocol state is shared/xds's; this file moves messages.
import { Backoff, describeError, type Secret } from '../../shared/lib/index.ts';
import { GrpcClient, type MessageStream } from '../../shared/grpc/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import type { Node } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { protocolFor, type AdsProtocol, type ProtocolMessage } from './ads-protocol.ts';
import type { Configuration } from './configuration.ts';
import type { ResourceStore } from './resource-store.ts';

/** Joints of an ADS client. */
export interface AdsClientOptions {
  /** `host:port`; port 15010 is plain text. */
  readonly address: string;
  readonly delta: boolean;
  readonly node: Node;
  readonly identity: () => { readonly rootsPem: string | undefined; readonly certificateChainPem: string | undefined; readonly privateKeyPem: Secret | undefined };
  readonly token: () => Promise<string | undefined>;
  readonly store: ResourceStore;
  readonly configuration: Configuration;
  /** Whether a secret of this name comes from the control plane. */
  readonly isRemoteSecret: (name: string) => boolean;
  /** Called when secrets came or went. */
  readonly onSecrets: (changed: readonly string[], removed: readonly string[]) => void;
  /** Called when the mesh's names came; absent: they are not asked for. */
  readonly onNames?: (() => void) | undefined;
  readonly backoff?: { readonly initialMilliseconds: number; readonly maximumMilliseconds: number };
}

/** What is known of the connection, for the admin interface. */
export interface AdsStatus {
  readonly connected: boolean;
  readonly since: Date | undefined;
  readonly lastError: string;
  readonly responses: number;
  readonly refusals: number;
}

/** Keeps a stream to the control plane from `start` to `stop`. */
export class AdsClient {
  readonly name = 'ads-client';
  readonly #options: AdsClientOptions;
  readonly #protocol: AdsProtocol;
  readonly #backoff: Backoff;
  readonly #log = createLogger('ads-client');
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #send: ((message: ProtocolMessage) => void) | undefined;
  #connected = false;
  #since: Date | undefined;
  #lastError = '';
  #responses = 0;
  #refusals = 0;

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#protocol = protocolFor(options.delta, options.store, options.onNames !== undefined);
    this.#backoff = new Backoff(options.backoff ?? { initialMilliseconds: 500, maximumMilliseconds: 30_000 });
  }

  get status(): AdsStatus {
    return { connected: this.#connected, since: this.#since, lastError: this.#lastError, responses: this.#responses, refusals: this.#refusals };
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Assembles anew and subscribes to what that needs; for changes that do not come by this client, such as secrets. */
  refresh(): void {
    this.#options.configuration.update();
    this.#subscribe();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#session(signal);
      if (signal.aborted) return;
      await pause(this.#backoff.next(), signal);
    }
  }

  /** One stream, from opening to end. Never throws. */
  async #session(signal: AbortSignal): Promise<void> {
    let client: GrpcClient | undefined;
    try {
      client = this.#client();
      const stream = await client.openStream<ProtocolMessage, ProtocolMessage>(this.#protocol.method, signal);
      await this.#talk(stream);
      this.#note('the control plane ended the stream');
    } catch (error) {
      this.#note(describeError(error));
    } finally {
      this.#send = undefined;
      this.#protocol.disconnect();
      client?.close();
    }
  }

  async #talk(stream: MessageStream<ProtocolMessage, ProtocolMessage>): Promise<void> {
    let first = true;
    // A refused write shows as the end of the iteration below.
    this.#send = (message) => void stream.send(first ? { ...message, node: this.#options.node } : message).catch((error: unknown) => this.#log.debug({ error: String(error) }, 'a request was not sent'));
    for (const message of this.#protocol.connect()) {
      this.#send(message);
      first = false;
    }
    for await (const response of stream) {
      if (!this.#connected) this.#log.info({ address: this.#options.address, delta: this.#options.delta }, 'connected to the control plane');
      this.#connected = true;
      this.#since ??= new Date();
      this.#lastError = '';
      this.#backoff.reset();
      this.#receive(response);
    }
  }

  #receive(response: ProtocolMessage): void {
    this.#responses += 1;
    const typeUrl = response.typeUrl ?? '';
    const taken = this.#protocol.take(response);
    if (!taken) {
      this.#log.warn({ typeUrl }, 'a response of a type that was not asked for was ignored');
      return;
    }
    this.#options.onSecrets(taken.secretsChanged, taken.secretsRemoved);
    if (typeUrl === TYPE_URLS.nameTable) this.#options.onNames?.();
    const rejected = this.#options.configuration.update().filter(({ name }) => taken.names.includes(name)).map(({ name, error }) => `${name}: ${error}`);
    const problems = [...taken.problems, ...rejected];
    if (problems.length > 0) {
      this.#refusals += 1;
      this.#log.warn({ typeUrl, version: taken.version, problems: problems.slice(0, 20) }, 'configuration was refused; what was in force stays');
    }
    this.#send?.(problems.length === 0 ? this.#protocol.accept(response) : this.#protocol.refuse(response, problems.join('\n').slice(0, 8192)));
    this.#subscribe();
  }

  #subscribe(): void {
    const { endpoints, routes, secrets, extensions } = this.#options.configuration.interest();
    const remote = new Set([...secrets].filter(this.#options.isRemoteSecret));
    for (const message of this.#protocol.subscribe(new Map([[TYPE_URLS.endpoint, endpoints], [TYPE_URLS.route, routes], [TYPE_URLS.secret, remote], [TYPE_URLS.extension, extensions]]))) this.#send?.(message);
  }

  #client(): GrpcClient {
    const { address, token } = this.#options;
    const { rootsPem, certificateChainPem, privateKeyPem } = this.#options.identity();
    if (address.endsWith(':15010')) return new GrpcClient({ address, token });
    if (rootsPem === undefined) throw new Error('the roots of the control plane are not there yet');
    return new GrpcClient({ address, token, tls: { rootsPem, ...(certificateChainPem !== undefined && privateKeyPem !== undefined ? { certificateChainPem, privateKeyPem } : {}) } });
  }

  #note(error: string): void {
    if (this.#connected || this.#lastError !== error) this.#log.warn({ address: this.#options.address, error }, 'no connection to the control plane; what was accepted stays in force');
    this.#connected = false;
    this.#since = undefined;
    this.#lastError = error;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
