// One proxy's ADS stream: takes its requests and our pushes one at a time, keeps at most one response of a type on the way,
// and merges what was held back meanwhile into one later response.
import type { Node } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { MessageStream } from '../../shared/grpc/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { PUSH_ORDER, TYPE_URLS, type RequestOutcome, type SubscriptionStatus } from '../../shared/xds/index.ts';
import { affectedTypes, isEndpointAffected, type MeshSnapshot, type NamedResource, type ProxyDescription, type SnapshotChange, type Translator } from '../../mesh/index.ts';
import type { PushRequest } from '../push/index.ts';
import { adsMetrics, noteReject, shortTypeName } from './ads-metrics.ts';
import type { SecretSource } from './secret-source.ts';
import type { Answer, TypeChannel } from './type-channel.ts';

/** What of a request both protocol variants have. */
export interface AnyDiscoveryRequest {
  readonly node?: Node | undefined;
  readonly typeUrl?: string | undefined;
  readonly errorDetail?: { readonly message?: string | undefined } | undefined;
}

/** What a connection works with. */
export interface ConnectionContext<Request, Response> {
  readonly translator: Translator;
  readonly secrets: SecretSource;
  /** The newest snapshot. */
  readonly snapshot: () => MeshSnapshot;
  readonly channel: (typeUrl: string) => TypeChannel<Request, Response>;
  /** Checks the node of the first request and says who the proxy is; throws when it may not be served. */
  readonly admit: (node: Node) => ProxyDescription;
  /** Whether the stream's caller has proved its identity: only such get secrets. */
  readonly authenticated: boolean;
}

/** What debug pages show of a type. */
export interface TypeStatus extends SubscriptionStatus {
  readonly typeUrl: string;
  readonly resources: number;
  readonly sentAt: string;
}

const log = createLogger('ads');
// EnvoyFilter extensions, the agent's health reports and the like have types that we neither serve nor mind.
const SERVED: ReadonlySet<string> = new Set(PUSH_ORDER);

/** A connected proxy's stream. */
export class AdsConnection<Request extends AnyDiscoveryRequest = AnyDiscoveryRequest, Response = unknown> {
  readonly id: string;
  readonly connectedAt = new Date();
  readonly address: string;
  readonly protocol: 'sotw' | 'delta';
  readonly #stream: MessageStream<Request, Response>;
  readonly #context: ConnectionContext<Request, Response>;
  readonly #channels = new Map<string, TypeChannel<Request, Response>>();
  readonly #heldBack = new Set<string>();
  readonly #sentAt = new Map<string, string>();
  #closedWith: Error | undefined;
  #interrupt: ((error: Error) => void) | undefined;
  #proxy: ProxyDescription | undefined;
  #chain: Promise<unknown> = Promise.resolve();
  #responses = 0;
  #pushedSnapshot = 0;

  constructor(id: string, address: string, protocol: 'sotw' | 'delta', stream: MessageStream<Request, Response>, context: ConnectionContext<Request, Response>) {
    this.id = id;
    this.address = address;
    this.protocol = protocol;
    this.#stream = stream;
    this.#context = context;
  }

  /** The proxy, once its first request has come. */
  get proxy(): ProxyDescription | undefined {
    return this.#proxy;
  }

  /** Number of the newest snapshot that this connection was brought up to. */
  get pushedSnapshot(): number {
    return this.#pushedSnapshot;
  }

  /** State of every type that was ever asked for. */
  status(): TypeStatus[] {
    return [...this.#channels.values()].map((channel) => {
      const { sentNonce, sentVersion, acknowledgedNonce, acknowledgedVersion, lastError, outstanding } = channel.status;
      return { typeUrl: channel.typeUrl, resources: channel.heldCount, sentAt: this.#sentAt.get(channel.typeUrl) ?? '', sentNonce, sentVersion, acknowledgedNonce, acknowledgedVersion, lastError, outstanding };
    });
  }

  /** Serves until the proxy ends the stream; rejects with what ended it otherwise. `onAdmitted` is called after the first request was found good. */
  async serve(onAdmitted: () => void): Promise<void> {
    const requests = this.#stream[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#unlessClosed(requests.next());
      if (next.done) return;
      if (!this.#proxy) {
        this.#proxy = this.#context.admit(next.value.node ?? {});
        onAdmitted();
      }
      await this.#unlessClosed(this.#exclusive(() => this.#receive(next.value)));
    }
  }

  /** Ends the stream with `error`. */
  close(error: Error): void {
    this.#closedWith ??= error;
    this.#interrupt?.(this.#closedWith);
  }

  /** Brings the proxy up to a request's snapshot. */
  async push(request: PushRequest): Promise<void> {
    adsMetrics.queueSeconds.observe({}, (performance.now() - request.since) / 1000);
    await this.#exclusive(() => this.#push(request));
    adsMetrics.convergenceSeconds.observe({}, (performance.now() - request.since) / 1000);
  }

  /** All resources of a type as they would be sent now, for debug pages. */
  async dump(typeUrl: string): Promise<readonly NamedResource[]> {
    const channel = this.#channels.get(typeUrl);
    if (!this.#proxy || !channel?.active || typeUrl === TYPE_URLS.secret) return [];
    return this.#context.translator.generate(this.#context.snapshot(), this.#proxy, typeUrl, channel.wildcard ? 'wildcard' : [...channel.names]);
  }

  /** Waits for `work` or for the end of the connection. No promise outlives a message here: one that did would hold on to every message it was raced with. */
  #unlessClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      work.then(resolve, reject);
      if (this.#closedWith) reject(this.#closedWith);
    });
  }

  #exclusive(work: () => Promise<void>): Promise<void> {
    const done = this.#chain.then(work);
    this.#chain = done.catch(() => undefined); // The caller gets the failure; the next in line must run all the same.
    return done;
  }

  async #receive(request: Request): Promise<void> {
    const typeUrl = request.typeUrl ?? '';
    if (!SERVED.has(typeUrl)) {
      log.debug({ connection: this.id, typeUrl }, 'request for a type that is not served');
      return;
    }
    let channel = this.#channels.get(typeUrl);
    if (!channel) this.#channels.set(typeUrl, (channel = this.#context.channel(typeUrl)));
    const outcome = channel.receive(request);
    this.#note(typeUrl, outcome);
    if (typeUrl === TYPE_URLS.secret && this.#proxy && this.#context.authenticated) this.#context.secrets.keepOnly(this.#proxy, channel.names);
    if (outcome.kind === 'respond') await this.#respond(channel, outcome);
    else if (!channel.status.outstanding && this.#heldBack.delete(typeUrl)) await this.#sendType(channel, this.#context.snapshot(), undefined);
  }

  #note(typeUrl: string, outcome: RequestOutcome): void {
    const node = this.#proxy?.id ?? '';
    if (outcome.kind === 'nack') {
      noteReject(typeUrl, node, true);
      log.warn({ connection: this.id, type: shortTypeName(typeUrl), error: outcome.error }, 'the proxy refused its configuration and keeps the one before');
    } else if (outcome.kind === 'ack') noteReject(typeUrl, node, false);
    else if (outcome.kind === 'stale') adsMetrics.expiredNonces.add({ type: shortTypeName(typeUrl) });
  }

  async #respond(channel: TypeChannel<Request, Response>, outcome: Extract<RequestOutcome, { kind: 'respond' }>): Promise<void> {
    const { names } = outcome;
    const snapshot = this.#context.snapshot();
    const resources = await this.#generate(channel.typeUrl, snapshot, names);
    const complete = names === 'wildcard' || outcome.reason !== 'names-added';
    this.#heldBack.delete(channel.typeUrl);
    // What it asks for first is of one snapshot; what it was sent before that was pushed to it.
    if (this.#pushedSnapshot === 0) this.#pushedSnapshot = snapshot.number;
    await this.#send(channel, snapshot, { resources, complete, awaited: true, ...(names === 'wildcard' ? {} : { asked: names }) });
  }

  async #push({ snapshot, change, secrets }: PushRequest): Promise<void> {
    for (const typeUrl of typesToPush(change, secrets, this.#proxy)) {
      const channel = this.#channels.get(typeUrl);
      if (!channel?.active) continue;
      if (channel.status.outstanding) this.#heldBack.add(typeUrl);
      else await this.#sendType(channel, snapshot, change);
    }
    this.#pushedSnapshot = Math.max(this.#pushedSnapshot, snapshot.number);
  }

  async #sendType(channel: TypeChannel<Request, Response>, snapshot: MeshSnapshot, change: SnapshotChange | undefined): Promise<void> {
    const all = channel.wildcard ? 'wildcard' : [...channel.names];
    const names = all !== 'wildcard' && change?.endpointsOnly && channel.typeUrl === TYPE_URLS.endpoint ? all.filter((name) => isEndpointAffected(name, change)) : all;
    if (names.length === 0) return;
    const resources = await this.#generate(channel.typeUrl, snapshot, names);
    await this.#send(channel, snapshot, { resources, complete: names === all, awaited: false });
  }

  async #generate(typeUrl: string, snapshot: MeshSnapshot, names: 'wildcard' | readonly string[]): Promise<readonly NamedResource[]> {
    const { translator, secrets, authenticated } = this.#context;
    const proxy = this.#proxy;
    if (!proxy) return [];
    if (typeUrl !== TYPE_URLS.secret) {
      try {
        return translator.generate(snapshot, proxy, typeUrl, names);
      } catch (error) {
        adsMetrics.internalErrors.add({});
        throw new Error(`resources of type ${shortTypeName(typeUrl)} for ${proxy.id} could not be made`, { cause: error });
      }
    }
    return authenticated && names !== 'wildcard' ? secrets.secretsFor(proxy, names) : [];
  }

  async #send(channel: TypeChannel<Request, Response>, snapshot: MeshSnapshot, answer: Omit<Answer, 'version' | 'nonce'>): Promise<void> {
    const started = performance.now();
    this.#responses += 1;
    const response = channel.respond({ ...answer, version: String(snapshot.number), nonce: `${this.id}/${this.#responses}` });
    if (!response) return;
    const type = shortTypeName(channel.typeUrl);
    await this.#stream.send(response.message);
    this.#sentAt.set(channel.typeUrl, new Date().toISOString());
    adsMetrics.pushes.add({ type });
    adsMetrics.sendSeconds.observe({}, (performance.now() - started) / 1000);
    adsMetrics.sizeBytes.observe({ type }, response.sent.reduce((sum, resource) => sum + resource.encode().length, 0));
    log.debug({ connection: this.id, type, snapshot: snapshot.number, resources: response.sent.length }, 'pushed');
    if (channel.typeUrl === TYPE_URLS.cluster) await this.#rewarm(snapshot, response.sent);
  }

  /** Our own proxy warms clusters with the assignments that it holds; an Envoy waits for new ones. */
  async #rewarm(snapshot: MeshSnapshot, clusters: readonly NamedResource[]): Promise<void> {
    const endpoints = this.#channels.get(TYPE_URLS.endpoint);
    if (this.#proxy?.isMizzen && this.protocol === 'delta') return;
    if (!endpoints?.rewarm(clusters.map(({ name }) => name))) return;
    if (endpoints.status.outstanding) this.#heldBack.add(TYPE_URLS.endpoint);
    else await this.#sendType(endpoints, snapshot, undefined);
  }
}

function typesToPush(change: SnapshotChange | undefined, secrets: ReadonlySet<string>, proxy: ProxyDescription | undefined): readonly string[] {
  if (!change) return PUSH_ORDER;
  const types = affectedTypes(change, proxy);
  return secrets.size > 0 ? [...types, TYPE_URLS.secret] : types;
}
