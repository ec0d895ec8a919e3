// The ADS server: admits proxies, keeps their connections, and pushes every snapshot to all of them through the push queue.
import { randomUUID } from 'node:crypto';
import type { Node } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { GrpcError, type GrpcPeer, type GrpcServer, type MessageStream } from '../../shared/grpc/index.ts';
import { formatIssue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { parseProxyDescription, type MeshSnapshot, type ProxyDescription, type SnapshotChange, type Translator } from '../../mesh/index.ts';
import { mergePushRequests, PushQueue, type PushRequest } from '../push/index.ts';
import { AdsConnection, type AnyDiscoveryRequest } from './ads-connection.ts';
import { adsMetrics } from './ads-metrics.ts';
import { DELTA_AGGREGATED_RESOURCES, STREAM_AGGREGATED_RESOURCES } from './methods.ts';
import type { SecretSource } from './secret-source.ts';
import { deltaChannel, sotwChannel, type TypeChannel } from './type-channel.ts';

/** Who a caller has proved to be. */
export interface CallerIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Finds out who calls; throws a GrpcError when that fails. */
export type IdentifyCaller = (peer: GrpcPeer) => Promise<CallerIdentity>;

/** What the server works with. */
export interface AdsServerOptions {
  readonly translator: Translator;
  readonly secrets: SecretSource;
  readonly members: ReadonlyTable<string, true>;
  /** The newest snapshot; undefined until the cluster has been read. */
  readonly snapshot: () => MeshSnapshot | undefined;
  /** Proxies that are pushed at a time. */
  readonly pushConcurrency: number;
}

/** Accepts streams and pushes to them. */
export class AdsServer {
  readonly name = 'ads';
  readonly #options: AdsServerOptions;
  readonly #connections = new Set<AdsConnection>();
  readonly #queue: PushQueue<AdsConnection, PushRequest>;
  readonly #log = createLogger('ads');
  #stopListening: (() => void) | undefined;
  #accepting = true;
  #sequence = 0;

  constructor(options: AdsServerOptions) {
    this.#options = options;
    this.#queue = new PushQueue(options.pushConcurrency, mergePushRequests, (connection, request) => connection.push(request), (connection, error) => {
      if (!(error instanceof GrpcError)) this.#log.error({ connection: connection.id, error: describe(error) }, 'push failed');
      connection.close(error instanceof GrpcError ? error : new GrpcError('INTERNAL', describe(error)));
    });
  }

  /** Connected proxies. */
  get connections(): Iterable<AdsConnection> {
    return this.#connections;
  }

  /** Serves both protocol variants on `server`; without `identify` callers stay anonymous and get no secrets. */
  register(server: GrpcServer, identify?: IdentifyCaller): void {
    server.addStream(STREAM_AGGREGATED_RESOURCES, (stream, peer) => this.#serve('sotw', stream, peer, sotwChannel, identify));
    server.addStream(DELTA_AGGREGATED_RESOURCES, (stream, peer) => this.#serve('delta', stream, peer, deltaChannel, identify));
  }

  /** Follows the members: proxies of a namespace that left are let go. */
  async start(): Promise<void> {
    this.#stopListening = this.#options.members.subscribe(() => {
      for (const connection of this.#connections) {
        const namespace = connection.proxy?.namespace;
        if (namespace !== undefined && !this.#options.members.has(namespace)) connection.close(notAMember(namespace));
      }
    });
  }

  /** Ends all streams so that proxies go to another replica. */
  async stop(): Promise<void> {
    this.#accepting = false;
    this.#stopListening?.();
    for (const connection of this.#connections) connection.close(new GrpcError('UNAVAILABLE', 'this control plane instance is stopping; connect again'));
    await this.#queue.close();
  }

  /** Pushes a new snapshot to everybody. */
  publish(snapshot: MeshSnapshot, change: SnapshotChange | undefined): void {
    this.#enqueueAll({ snapshot, change, secrets: new Set(), since: performance.now() });
  }

  /** Pushes secrets that changed. */
  publishSecrets(names: ReadonlySet<string>): void {
    const snapshot = this.#options.snapshot();
    if (snapshot) this.#enqueueAll({ snapshot, change: { endpointsOnly: true, kinds: new Set(), changedClusters: new Set(), changedWorkloads: new Set() }, secrets: names, since: performance.now() });
  }

  #enqueueAll(request: PushRequest): void {
    for (const connection of this.#connections) this.#queue.enqueue(connection, request);
  }

  async #serve<Request extends AnyDiscoveryRequest, Response>(
    protocol: 'sotw' | 'delta', stream: MessageStream<Request, Response>, peer: GrpcPeer, channel: (typeUrl: string) => TypeChannel<Request, Response>, identify: IdentifyCaller | undefined,
  ): Promise<void> {
    if (!this.#accepting || !this.#options.snapshot()) throw new GrpcError('UNAVAILABLE', 'this control plane instance is not ready; try again');
    const identity = await identify?.(peer);
    this.#sequence += 1;
    const { translator, secrets } = this.#options;
    const connection = new AdsConnection<Request, Response>(`${randomUUID().slice(0, 8)}-${this.#sequence}`, peer.address, protocol, stream, {
      translator, secrets, channel, authenticated: identity !== undefined,
      snapshot: () => this.#snapshot(),
      admit: (node) => this.#admit(node, identity),
    });
    const known = connection as unknown as AdsConnection;
    let version: string | undefined;
    try {
      await connection.serve(() => {
        version = connection.proxy?.metadata.istioVersion || 'unknown';
        this.#connections.add(known);
        adsMetrics.connections.add({ version }, 1);
        this.#log.info({ connection: connection.id, proxy: connection.proxy?.id, protocol, address: peer.address, authenticated: identity !== undefined }, 'proxy connected');
      });
    } finally {
      this.#queue.remove(known);
      this.#connections.delete(known);
      if (connection.proxy) secrets.release(connection.proxy);
      if (version !== undefined) {
        adsMetrics.connections.add({ version }, -1);
        this.#log.info({ connection: connection.id, proxy: connection.proxy?.id }, 'proxy disconnected');
      }
    }
  }

  #snapshot(): MeshSnapshot {
    const snapshot = this.#options.snapshot();
    if (!snapshot) throw new GrpcError('UNAVAILABLE', 'there is no snapshot yet');
    return snapshot;
  }

  #admit(node: Node, identity: CallerIdentity | undefined): ProxyDescription {
    const parsed = parseProxyDescription(node);
    if (!parsed.ok) throw new GrpcError('INVALID_ARGUMENT', parsed.error.map(formatIssue).join('; '));
    const proxy = parsed.value;
    if (identity && (identity.namespace !== proxy.namespace || identity.serviceAccount !== proxy.serviceAccount)) {
      throw new GrpcError('PERMISSION_DENIED', `the caller is ${identity.namespace}/${identity.serviceAccount}, but its node says it is ${proxy.namespace}/${proxy.serviceAccount}`);
    }
    if (!this.#options.members.has(proxy.namespace)) throw notAMember(proxy.namespace);
    return proxy;
  }
}

function notAMember(namespace: string): GrpcError {
  return new GrpcError('PERMISSION_DENIED', `namespace ${namespace} is not a member of this mesh; add it to the ServiceMeshMemberRoll`);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
