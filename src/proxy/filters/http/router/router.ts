// The router, the last HTTP filter: answers redirects and direct responses, else chooses cluster and host, sends the request, tries again when the policy says so,
// and turns failures into responses by the rescue table.
import type { CircuitBreaker } from '../../../cluster/circuit-breaker.ts';
import type { Cluster } from '../../../cluster/cluster.ts';
import type { Host, HostReceiver } from '../../../cluster/host.ts';
import type { StreamResetReason } from '../../../codec/api.ts';
import type { RouteActionConfig } from '../../../config/route-config.ts';
import { peerOf } from '../../../net/internal-listeners.ts';
import { computeHash } from '../../../route/hash-policy.ts';
import type { SelectedRoute } from '../../../route/route-table.ts';
import type { FilterStatus, HttpFilter, LocalReply } from '../../../stream/filter.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import type { UpstreamFacts } from '../../../upstream/http-pool.ts';
import type { FilterServices } from '../../services.ts';
import type { HttpFilterInstance, StreamCallbacks } from '../api.ts';
import { changeResponse, directReply } from './change-response.ts';
import { hostChoice } from './host-choice.ts';
import { limitsBothWays, prepareRequest, removeControlHeaders, requestTimeout } from './prepare-request.ts';
import { PROXY_ERRORS } from './rescue.ts';
import { countStatus } from '../../count-status.ts';
import { isIdempotent, RetryState } from './retry-state.ts';
import { drawMirrors, sendShadow, type Mirror } from './shadow.ts';
import { Tunnel } from './tunnel.ts';
import { UpstreamAttempt, type AttemptOwner } from './upstream-attempt.ts';

/** A request's body is kept up to here for retries and copies. */
const KEPT_BODY_BYTES = 1024 * 1024;
/** Key of filter state in which the ALPN filter leaves its protocols. */
const ALPN_STATE = 'envoy.network.application_protocols';
const NO_HOSTS: readonly Host[] = [];

/** Makes the router. */
export function routerFilter(services: FilterServices): HttpFilterInstance {
  return (callbacks) => new Router(services, callbacks);
}

class Router implements HttpFilter, AttemptOwner, HostReceiver<Cluster> {
  readonly #services: FilterServices;
  readonly #callbacks: StreamCallbacks;
  #selected: SelectedRoute | null = null;
  #action: RouteActionConfig | null = null;
  /** The route's cluster; the one that a host comes from is another where that stands for several. */
  #entry: Cluster | null = null;
  #cluster: Cluster | null = null;
  #breaker: CircuitBreaker | null = null;
  #headers: RequestHeaders | null = null;
  #headersEnd = false;
  #requestDone = false;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #keepBody = false;
  #trailers: HeaderMap | null = null;
  #attempt: UpstreamAttempt | null = null;
  #tunnel: Tunnel | null = null;
  #tried: readonly Host[] = NO_HOSTS;
  #retry: RetryState | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timeout = 0;
  #hash: bigint | null = null;
  #setCookie: string | null = null;
  #mirrors: readonly Mirror[] | null = null;
  #freeRetryUsed = false;
  #heldRequest = false;
  #heldResponse = false;
  #responseStarted = false;
  #destroyed = false;

  constructor(services: FilterServices, callbacks: StreamCallbacks) {
    this.#services = services;
    this.#callbacks = callbacks;
  }

  // --- the request

  decodeHeaders(headers: RequestHeaders, endStream: boolean): FilterStatus {
    this.#headers = headers;
    this.#headersEnd = endStream;
    const selected = this.#callbacks.route();
    if (!selected) return this.#reply({ status: 404, body: '', details: 'route_not_found', flag: 'NR' });
    this.#selected = selected;
    const { action } = selected.route.config;
    if (action.kind === 'redirect') return this.#reply(directReply(selected, this.#callbacks, { status: action.status, body: '', details: 'direct_response', headers: [['location', selected.route.location?.(headers) ?? '']] }));
    if (action.kind === 'direct_response') return this.#reply(directReply(selected, this.#callbacks, { status: action.status, body: action.body, details: 'direct_response' }));
    this.#action = action;
    return this.#route(selected, action, headers);
  }

  #route(selected: SelectedRoute, action: RouteActionConfig, headers: RequestHeaders): FilterStatus {
    const { info } = this.#callbacks;
    const name = action.clusterHeader === null ? (selected.cluster?.config.name ?? '') : (headers.get(action.clusterHeader) ?? '');
    const cluster = this.#services.clusters.get(name);
    info.upstreamCluster = name;
    if (!cluster) return this.#reply({ status: action.clusterNotFoundStatus, body: '', details: 'cluster_not_found', flag: 'NC' });
    this.#entry = cluster;
    this.#cluster = cluster;
    this.#breaker = cluster.breakers[action.priority];
    info.destinationService = cluster.config.destinationService;
    if (action.idleTimeoutMilliseconds !== null) this.#callbacks.setIdleTimeout(action.idleTimeoutMilliseconds);
    if (action.maximumStreamDurationMilliseconds !== null) this.#callbacks.setMaximumDuration(action.maximumStreamDurationMilliseconds);
    this.#timeout = requestTimeout(action, headers);
    const policy = action.retryPolicy ?? selected.route.virtualHost.retryPolicy;
    if (policy) this.#retry = new RetryState(policy, headers, this.#services.random);
    removeControlHeaders(headers);
    if (action.hashPolicies.length > 0) ({ hash: this.#hash, setCookie: this.#setCookie } = computeHash(action.hashPolicies, headers, this.#callbacks.remoteIp, this.#services.random));
    if (this.#timeout > 0) headers.set('x-envoy-expected-rq-timeout-ms', String(this.#timeout));
    prepareRequest(selected, action, headers, info);
    this.#mirrors = drawMirrors(this.#services, action.mirrors, headers);
    this.#keepBody = (this.#retry?.possible ?? false) || this.#mirrors !== null;
    if (this.#headersEnd) this.#endRequest();
    this.#chooseHost();
    return 'continue';
  }

  #reply(reply: LocalReply): FilterStatus {
    this.#callbacks.sendLocalReply(reply);
    return 'stop';
  }

  #chooseHost(): void {
    this.#callbacks.info.attempts += 1;
    const entry = this.#entry;
    if (entry) entry.choose(hostChoice(entry, this.#callbacks, { selected: this.#selected, headers: this.#headers, hash: this.#hash, tried: this.#tried, retry: this.#retry }), this);
  }

  onHost(host: Host | null, of: Cluster): void {
    if (of !== this.#cluster) {
      this.#cluster = of;
      this.#breaker = of.breakers[this.#action?.priority ?? 'default'];
    }
    const cluster = this.#cluster;
    const breaker = this.#breaker;
    if (this.#destroyed || !cluster || !breaker) return;
    if (!host) {
      cluster.count('upstream_cx_none_healthy');
      this.#callbacks.sendLocalReply({ status: 503, body: 'no healthy upstream', details: 'no_healthy_upstream', flag: 'UH' });
      return;
    }
    const terminates = this.#action?.upgrades.some((upgrade) => upgrade.enabled && upgrade.terminateConnect);
    if (this.#headers?.method === 'CONNECT' && this.#headers.upgrade === '' && terminates) {
      this.#tunnel = new Tunnel(this.#services, cluster, host, this.#callbacks);
      this.#flushBody((data, end) => this.#tunnel?.write(data, end));
      return;
    }
    if (breaker.full('requests')) {
      cluster.count('upstream_rq_pending_overflow');
      this.#overflow();
      return;
    }
    this.#startAttempt(cluster, host, breaker);
  }

  #startAttempt(cluster: Cluster, host: Host, breaker: CircuitBreaker): void {
    const { info } = this.#callbacks;
    const attempt = new UpstreamAttempt(this, cluster, host, breaker, this.#services.now());
    this.#attempt = attempt;
    info.upstreamHost = host.addressText;
    info.upstreamWorkload = host.endpoint.workload;
    if (this.#action?.hostRewrite?.kind === 'auto' && host.endpoint.hostname !== '' && this.#headers) this.#headers.authority = host.endpoint.hostname;
    const perTry = this.#retry?.policy.perTryTimeoutMilliseconds ?? 0;
    if (perTry > 0 && (this.#timeout === 0 || perTry < this.#timeout)) attempt.limit(perTry);
    attempt.limitIdle(this.#retry?.policy.perTryIdleTimeoutMilliseconds ?? 0);
    const alpn = info.filterState.get(ALPN_STATE);
    const cancel = this.#services.upstream.request(cluster, host, {
      downstreamProtocol: info.protocol, breaker, alpn: alpn === undefined ? null : alpn.split(','),
      peer: peerOf(info.connection, this.#headers?.authority ?? ''),
    }, attempt, attempt);
    if (this.#attempt === attempt && !attempt.encoder) attempt.cancelWaiting = cancel;
  }

  onAttemptReady(attempt: UpstreamAttempt, facts: UpstreamFacts): void {
    const headers = this.#headers;
    const { info } = this.#callbacks;
    if (!headers) return;
    info.upstreamLocalAddress = facts.localAddress;
    info.upstreamTls = facts.tls;
    headers.scheme = facts.tls ? 'https' : headers.scheme;
    if (this.#selected?.route.virtualHost.includeRequestAttemptCount) headers.set('x-envoy-attempt-count', String(info.attempts));
    attempt.send(headers, this.#headersEnd);
    this.#flushBody((data, end) => attempt.encoder?.encodeData(data, end));
    if (this.#trailers) attempt.encoder?.encodeTrailers(this.#trailers);
  }

  /** Hands over what of the body has arrived; it stays kept while it may be needed again. */
  #flushBody(write: (data: Buffer, endStream: boolean) => void): void {
    const body = this.#body;
    if (!this.#keepBody) {
      this.#body = [];
      this.#bodyBytes = 0;
      this.#hold(false);
    }
    const ended = this.#requestDone && !this.#headersEnd && this.#trailers === null;
    body.forEach((data, index) => write(data, ended && index === body.length - 1));
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (endStream) this.#endRequest();
    if (this.#tunnel) {
      this.#tunnel.write(data, endStream);
      return;
    }
    const encoder = this.#attempt?.encoder ?? null;
    if (this.#keepBody || !encoder) this.#keep(data);
    encoder?.encodeData(data, endStream);
    if (endStream) this.#sendMirrors();
  }

  #keep(data: Buffer): void {
    this.#body.push(data);
    this.#bodyBytes += data.length;
    if (this.#bodyBytes <= KEPT_BODY_BYTES) return;
    // Too much to repeat: from here on the body only passes through.
    this.#retry = null;
    this.#mirrors = null;
    if (this.#keepBody) this.#cluster?.count('retry_or_shadow_abandoned');
    this.#keepBody = false;
    if (this.#attempt?.encoder) this.#body = [];
    else this.#hold(true);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.#trailers = trailers;
    this.#endRequest();
    this.#attempt?.encoder?.encodeTrailers(trailers);
    this.#sendMirrors();
  }

  #endRequest(): void {
    this.#requestDone = true;
    if (this.#timeout > 0) {
      this.#timer = setTimeout(() => this.#onTimeout(), this.#timeout);
      // One limit given as both (as for a VirtualService's timeout) is from here on the route's, whose answer clients and retries know.
      if (this.#action && limitsBothWays(this.#action, this.#timeout)) this.#callbacks.setMaximumDuration(0);
    }
    if (this.#headersEnd) this.#sendMirrors();
  }

  #sendMirrors(): void {
    const mirrors = this.#mirrors;
    this.#mirrors = null;
    for (const { cluster, headers } of mirrors ?? []) sendShadow(this.#services, cluster, headers, [...this.#body]);
  }

  // --- the response

  onAttempt1xx(headers: ResponseHeaders): void {
    if (headers.status !== 100) this.#callbacks.encode1xx(headers);
  }

  onAttemptHeaders(attempt: UpstreamAttempt, headers: ResponseHeaders, endStream: boolean): void {
    const cluster = this.#cluster;
    const selected = this.#selected;
    if (!cluster || !selected) return;
    const { info } = this.#callbacks;
    const now = this.#services.now();
    cluster.reportStatus(attempt.host, headers.status);
    if (cluster.config.healthChecks.length > 0 && headers.has('x-envoy-immediate-health-check-fail')) cluster.failHealth(attempt.host);
    if (headers.status >= 500) attempt.host.requestsFailed += 1;
    countStatus(cluster, headers.status);
    if (this.#retry?.possible && this.#retry.wantsAfterResponse(headers) && this.#tryAgain(attempt)) return;
    if (this.#retry && info.attempts > 1 && headers.status < 500) cluster.count('upstream_rq_retry_success');
    info.firstUpstreamByteMilliseconds = now;
    this.#responseStarted = true;
    this.#keepBody = false;
    headers.set('x-envoy-upstream-service-time', String(Math.round(now - attempt.startMilliseconds)));
    if (this.#setCookie !== null) headers.add('set-cookie', this.#setCookie);
    changeResponse(selected, this.#callbacks, headers);
    if (headers.status === 101 && this.#timer) clearTimeout(this.#timer);
    this.#callbacks.encodeHeaders(headers, endStream);
  }

  onAttemptData(data: Buffer, endStream: boolean): void {
    this.#callbacks.encodeData(data, endStream);
  }

  onAttemptTrailers(trailers: HeaderMap): void {
    this.#callbacks.encodeTrailers(trailers);
  }

  onAttemptReset(attempt: UpstreamAttempt, reason: StreamResetReason, detail: string): void {
    const cluster = this.#cluster;
    if (this.#destroyed || !cluster) return;
    const { info } = this.#callbacks;
    const meaning = PROXY_ERRORS[reason];
    info.upstreamTransportFailure = detail;
    attempt.host.requestsFailed += 1;
    if (attempt.encoder) {
      cluster.count('upstream_rq_rx_reset');
      cluster.reportStatus(attempt.host, 503);
    }
    if (this.#responseStarted) {
      info.flags.push(meaning.flag);
      info.responseCodeDetails = `upstream_reset_after_response_started{${reason}}`;
      this.#callbacks.resetStream();
      return;
    }
    if (reason === 'overflow') {
      this.#overflow();
      return;
    }
    if (this.#raceRetry(attempt, reason)) return;
    if (this.#retry?.wantsAfterReset(reason) && this.#tryAgain(attempt)) return;
    const transport = reason === 'connect_failure' && detail !== '' ? `, transport failure reason: ${detail}` : '';
    this.#callbacks.sendLocalReply({
      status: meaning.status, flag: meaning.flag, details: `upstream_reset_before_response_started{${reason}}`,
      body: `upstream connect error or disconnect/reset before headers. reset reason: ${meaning.reason}${transport}`,
    });
  }

  /** A kept connection that the peer closed just as we used it is no failure of the request: idempotent ones go again at once. */
  #raceRetry(attempt: UpstreamAttempt, reason: StreamResetReason): boolean {
    const headers = this.#headers;
    if (!headers || this.#freeRetryUsed || !attempt.reused || reason !== 'connection_termination') return false;
    if (!isIdempotent(headers.method) || headers.upgrade !== '' || (!this.#headersEnd && !this.#keepBody)) return false;
    this.#freeRetryUsed = true;
    this.#attempt = null;
    this.#chooseHost();
    return true;
  }

  #tryAgain(attempt: UpstreamAttempt): boolean {
    const cluster = this.#cluster;
    const breaker = this.#breaker;
    if (!cluster || !breaker || !this.#retry || (!this.#headersEnd && !this.#keepBody)) return false;
    const wait = this.#retry.take(cluster, breaker);
    if (typeof wait === 'string') {
      this.#callbacks.info.flags.push(wait === 'overflow' ? 'UO' : 'URX');
      return false;
    }
    attempt.abandon();
    this.#attempt = null;
    this.#tried = [...this.#tried, attempt.host];
    this.#retryTimer = setTimeout(() => this.#chooseHost(), wait);
    return true;
  }

  #overflow(): void {
    this.#callbacks.sendLocalReply({ status: 503, body: 'upstream connect error or disconnect/reset before headers. reset reason: overflow', details: 'upstream_reset_before_response_started{overflow}', flag: 'UO', headers: [['x-envoy-overloaded', 'true']] });
  }

  onAttemptTimeout(attempt: UpstreamAttempt, idle: boolean): void {
    this.#cluster?.count(idle ? 'upstream_rq_per_try_idle_timeout' : 'upstream_rq_per_try_timeout');
    this.#cluster?.reportStatus(attempt.host, 504);
    if (!this.#responseStarted && this.#retry?.wantsAfterTimeout() && this.#tryAgain(attempt)) return;
    this.#timedOut(idle ? 'upstream_per_try_idle_timeout' : 'upstream_per_try_timeout');
  }

  #onTimeout(): void {
    this.#cluster?.count('upstream_rq_timeout');
    const host = this.#attempt?.host;
    if (host) this.#cluster?.reportStatus(host, 504);
    this.#timedOut('upstream_response_timeout');
  }

  #timedOut(details: string): void {
    this.#attempt?.abandon();
    this.#attempt = null;
    if (!this.#responseStarted) this.#callbacks.sendLocalReply({ status: 504, body: 'upstream request timeout', details, flag: 'UT' });
    else {
      this.#callbacks.info.flags.push('UT');
      this.#callbacks.resetStream();
    }
  }

  onAttemptBlocked(blocked: boolean): void {
    this.#hold(blocked);
  }

  #hold(held: boolean): void {
    if (held === this.#heldRequest) return;
    this.#heldRequest = held;
    this.#callbacks.readDisable(held);
  }

  onDownstreamBlocked(blocked: boolean): void {
    if (this.#tunnel) this.#tunnel.onBlocked(blocked);
    else if (blocked !== this.#heldResponse && this.#attempt?.encoder) {
      this.#heldResponse = blocked;
      this.#attempt.encoder.readDisable(blocked);
    }
  }

  onDestroy(): void {
    this.#destroyed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#retry?.release();
    // An answer that came before the request's end: the rest of the request has no taker.
    if (!this.#requestDone && this.#attempt?.encoder) this.#attempt.encoder.reset('local_reset');
    this.#attempt?.abandon();
    this.#attempt = null;
    this.#tunnel?.destroy();
    this.#body = [];
  }
}
