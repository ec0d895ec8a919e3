// A small request of a filter's own to a cluster, and the whole answer to it: authorization and rate limit services, key sets. One try, bounded in time and size.
import type { Cluster } from '../cluster/cluster.ts';
import type { Host, HostReceiver } from '../cluster/host.ts';
import type { RequestEncoder, ResponseDecoder, StreamResetReason } from '../codec/api.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../stream/header-map.ts';
import type { PoolReceiver } from '../upstream/http-pool.ts';
import { countStatus } from './count-status.ts';
import type { FilterServices } from './services.ts';

/** What is asked of whom. */
export interface ClusterCall {
  readonly cluster: string;
  readonly headers: RequestHeaders;
  /** Null for none; the caller sets content-length. */
  readonly body: Buffer | null;
  /** 0 for no limit. */
  readonly timeoutMilliseconds: number;
  readonly maximumAnswerBytes: number;
  /** What clusters that follow the client's protocol are asked in. */
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
}

/** A whole answer. */
export interface ClusterAnswer {
  readonly headers: ResponseHeaders;
  readonly body: Buffer;
  readonly trailers: HeaderMap | null;
}

/** Why there is no answer. */
export type ClusterCallFailure = 'no_cluster' | 'no_host' | 'overflow' | 'timeout' | 'answer_too_large' | StreamResetReason;

/** Told once of an answer, or of why there is none; possibly before `callCluster` has returned. */
export type ClusterCallDone = (answer: ClusterAnswer | null, failure: ClusterCallFailure | null) => void;

/** Sends a request to `call.cluster`; returns the way to give up, after which `done` is not called. */
export function callCluster(services: FilterServices, call: ClusterCall, done: ClusterCallDone): () => void {
  const cluster = services.clusters.get(call.cluster);
  if (!cluster) {
    done(null, 'no_cluster');
    return () => undefined;
  }
  const running = new RunningCall(services, cluster, call, done);
  running.start();
  return () => running.cancel();
}

const NOBODY = { remoteAddress: '', identity: '', destination: '', keptSource: null };

class RunningCall implements HostReceiver<Cluster>, PoolReceiver, ResponseDecoder {
  readonly #services: FilterServices;
  #cluster: Cluster;
  readonly #call: ClusterCall;
  readonly #done: ClusterCallDone;
  #host: Host | null = null;
  #encoder: RequestEncoder | null = null;
  #cancelWaiting: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #headers: ResponseHeaders | null = null;
  #body: Buffer[] = [];
  #bytes = 0;
  #over = false;

  constructor(services: FilterServices, cluster: Cluster, call: ClusterCall, done: ClusterCallDone) {
    this.#services = services;
    this.#cluster = cluster;
    this.#call = call;
    this.#done = done;
  }

  start(): void {
    const { timeoutMilliseconds, headers } = this.#call;
    if (timeoutMilliseconds > 0) this.#timer = setTimeout(() => this.#onTimeout(), timeoutMilliseconds);
    this.#cluster.choose({ hash: null, attempt: 0, avoid: [], hostSelectionAttempts: 1, authority: headers.authority, originalDestination: '' }, this);
  }

  #onTimeout(): void {
    this.#cluster.count('upstream_rq_timeout');
    this.#fail('timeout');
  }

  onHost(host: Host | null, of: Cluster): void {
    if (this.#over) return;
    this.#cluster = of;
    const breaker = this.#cluster.breakers.default;
    if (!host) {
      this.#cluster.count('upstream_cx_none_healthy');
      this.#fail('no_host');
      return;
    }
    if (breaker.full('requests')) {
      this.#cluster.count('upstream_rq_pending_overflow');
      this.#fail('overflow');
      return;
    }
    this.#host = host;
    host.activeRequests += 1;
    host.requestsTotal += 1;
    breaker.requests += 1;
    this.#cluster.count('upstream_rq_total');
    this.#cluster.gauge('upstream_rq_active', 1);
    const cancel = this.#services.upstream.request(this.#cluster, host, { downstreamProtocol: this.#call.protocol, breaker, alpn: null, peer: NOBODY }, this, this);
    if (!this.#over && !this.#encoder) this.#cancelWaiting = cancel;
  }

  onPoolReady(encoder: RequestEncoder): void {
    this.#cancelWaiting = null;
    this.#encoder = encoder;
    const { headers, body } = this.#call;
    encoder.encodeHeaders(headers, body === null);
    if (body !== null) encoder.encodeData(body, true);
  }

  onPoolFailure(reason: StreamResetReason): void {
    this.#cancelWaiting = null;
    this.#fail(reason);
  }

  decode1xx(): void {
    return undefined; // the answer is still to come
  }

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.#headers = headers;
    countStatus(this.#cluster, headers.status);
    if (endStream) this.#finish(null);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (this.#over) return;
    this.#bytes += data.length;
    if (this.#bytes > this.#call.maximumAnswerBytes) {
      this.#fail('answer_too_large');
      return;
    }
    // The codec may use its buffer again.
    if (data.length > 0) this.#body.push(Buffer.from(data));
    if (endStream) this.#finish(null);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.#finish(trailers);
  }

  onReset(reason: StreamResetReason): void {
    this.#encoder = null;
    this.#fail(reason);
  }

  onBlocked(): void {
    return undefined; // the request is bounded and already in memory
  }

  /** Gives up; nothing is told of it. */
  cancel(): void {
    if (this.#end()) this.#abandon();
  }

  #finish(trailers: HeaderMap | null): void {
    const headers = this.#headers;
    if (!headers || !this.#end()) return;
    if (this.#host) this.#cluster.reportStatus(this.#host, headers.status);
    this.#done({ headers, body: Buffer.concat(this.#body), trailers }, null);
  }

  #fail(failure: ClusterCallFailure): void {
    if (!this.#end()) return;
    if (this.#host) this.#cluster.reportStatus(this.#host, failure === 'timeout' ? 504 : 503);
    this.#abandon();
    this.#done(null, failure);
  }

  #abandon(): void {
    this.#cancelWaiting?.();
    this.#encoder?.reset('local_reset');
    this.#encoder = null;
  }

  /** Whether it was under way until now. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#host) {
      this.#host.activeRequests -= 1;
      this.#cluster.breakers.default.requests -= 1;
      this.#cluster.gauge('upstream_rq_active', -1);
    }
    return true;
  }
}
