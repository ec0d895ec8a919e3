// One try of a request at one host: waits for a stream, sends what the router has, and tells the router of the answer. A retry is a new attempt.
import type { Cluster } from '../../../cluster/cluster.ts';
import type { Host } from '../../../cluster/host.ts';
import type { CircuitBreaker } from '../../../cluster/circuit-breaker.ts';
import type { RequestEncoder, ResponseDecoder, StreamResetReason } from '../../../codec/api.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import type { PoolReceiver, UpstreamFacts } from '../../../upstream/http-pool.ts';

/** What an attempt tells its router. */
export interface AttemptOwner {
  onAttemptReady(attempt: UpstreamAttempt, facts: UpstreamFacts): void;
  onAttempt1xx(headers: ResponseHeaders): void;
  onAttemptHeaders(attempt: UpstreamAttempt, headers: ResponseHeaders, endStream: boolean): void;
  onAttemptData(data: Buffer, endStream: boolean): void;
  onAttemptTrailers(trailers: HeaderMap): void;
  onAttemptReset(attempt: UpstreamAttempt, reason: StreamResetReason, detail: string): void;
  onAttemptBlocked(blocked: boolean): void;
  /** The try took too long, or nothing was heard for too long. */
  onAttemptTimeout(attempt: UpstreamAttempt, idle: boolean): void;
}

/** A try. */
export class UpstreamAttempt implements ResponseDecoder, PoolReceiver {
  readonly host: Host;
  readonly startMilliseconds: number;
  encoder: RequestEncoder | null = null;
  reused = false;
  sawHeaders = false;
  cancelWaiting: (() => void) | null = null;
  readonly #owner: AttemptOwner;
  readonly #cluster: Cluster;
  readonly #breaker: CircuitBreaker;
  #timer: NodeJS.Timeout | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #over = false;

  constructor(owner: AttemptOwner, cluster: Cluster, host: Host, breaker: CircuitBreaker, now: number) {
    this.#owner = owner;
    this.#cluster = cluster;
    this.host = host;
    this.#breaker = breaker;
    this.startMilliseconds = now;
    host.activeRequests += 1;
    host.requestsTotal += 1;
    breaker.requests += 1;
    cluster.count('upstream_rq_total');
    cluster.gauge('upstream_rq_active', 1);
  }

  /** Limits this try alone. */
  limit(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#owner.onAttemptTimeout(this, false), milliseconds);
  }

  /** Limits how long nothing may be heard in this try; 0 for no limit. */
  limitIdle(milliseconds: number): void {
    if (milliseconds > 0) this.#idleTimer = setTimeout(() => this.#owner.onAttemptTimeout(this, true), milliseconds);
  }

  onPoolReady(encoder: RequestEncoder, facts: UpstreamFacts): void {
    this.encoder = encoder;
    this.reused = facts.reused;
    this.cancelWaiting = null;
    this.#owner.onAttemptReady(this, facts);
  }

  onPoolFailure(reason: StreamResetReason, detail: string): void {
    this.#end();
    this.#owner.onAttemptReset(this, reason, detail);
  }

  send(headers: RequestHeaders, endStream: boolean): void {
    this.encoder?.encodeHeaders(headers, endStream);
  }

  decode1xx(headers: ResponseHeaders): void {
    if (!this.#over) this.#owner.onAttempt1xx(headers);
  }

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.#over) return;
    this.sawHeaders = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#idleTimer?.refresh();
    if (endStream) this.#end();
    this.#owner.onAttemptHeaders(this, headers, endStream);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (this.#over) return;
    this.#idleTimer?.refresh();
    if (endStream) this.#end();
    this.#owner.onAttemptData(data, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.#over) return;
    this.#end();
    this.#owner.onAttemptTrailers(trailers);
  }

  onReset(reason: StreamResetReason, detail: string): void {
    if (this.#over) return;
    this.#end();
    this.#owner.onAttemptReset(this, reason, detail);
  }

  onBlocked(blocked: boolean): void {
    if (!this.#over) this.#owner.onAttemptBlocked(blocked);
  }

  /** Gives the try up; nothing more is told of it. */
  abandon(): void {
    const over = this.#over;
    this.#end();
    this.cancelWaiting?.();
    this.cancelWaiting = null;
    if (!over) this.encoder?.reset('local_reset');
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.host.activeRequests -= 1;
    this.#breaker.requests -= 1;
    this.#cluster.gauge('upstream_rq_active', -1);
  }
}
