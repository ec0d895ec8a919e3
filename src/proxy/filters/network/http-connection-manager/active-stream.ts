// One request and its response on their way through the HTTP filters: decode in order, encode in reverse. It is at once what the codec decodes into and what
// filters call, so that a request costs one object.
import type { RequestDecoder, ResponseEncoder, StreamResetReason } from '../../../codec/api.ts';
import type { LocalReply, HttpFilter } from '../../../stream/filter.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { createStreamInfo } from '../../../stream/create-stream-info.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import type { SelectedRoute } from '../../../route/route-table.ts';
import type { StreamCallbacks } from '../../http/api.ts';
import type { NetworkConnection } from '../api.ts';
import { buildLocalReply } from './local-reply.ts';
import type { ManagerContext } from './manager-context.ts';
import { forwardAddresses, requestId, stripPort } from './request-headers.ts';
import { forwardClientCertificate } from './forwarded-client-certificate.ts';
import { normalizePath } from './request-path.ts';
import { startTrace } from './trace-context.ts';

let dateText = '';
let dateSecond = 0;

function httpDate(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}

/** A stream of a downstream connection. */
export class ActiveStream implements RequestDecoder, StreamCallbacks {
  readonly info: StreamInfo;
  remoteIp = '';
  readonly #context: ManagerContext;
  readonly #connection: NetworkConnection;
  #encoder: ResponseEncoder | null;
  #headers: RequestHeaders | null = null;
  #responseHeaders: ResponseHeaders | null = null;
  #filters: HttpFilter[] = [];
  /** How many of the chain's filters the request has reached. */
  #made = 0;
  #stoppedAt = -1;
  #decoding = false;
  #kept: { data: Buffer; endStream: boolean }[] = [];
  #keptTrailers: HeaderMap | null = null;
  #headersEnd = false;
  #selected: SelectedRoute | null | undefined = undefined;
  #idleTimer: NodeJS.Timeout | null = null;
  #lifeTimer: NodeJS.Timeout | null = null;
  #requestTimer: NodeJS.Timeout | null = null;
  #bodyTimer: NodeJS.Timeout | null = null;
  #readsHeld = 0;
  /** A filter that stopped the request keeps its body from being read. */
  #holdsReading = false;
  #responseDone = false;
  #destroyed = false;

  constructor(context: ManagerContext, connection: NetworkConnection, encoder: ResponseEncoder) {
    this.#context = context;
    this.#connection = connection;
    this.#encoder = encoder;
    this.info = createStreamInfo(connection.info, encoder.protocol, context.services.now());
  }

  get requestHeaders(): RequestHeaders {
    if (!this.#headers) throw new Error('request headers are read before they arrived');
    return this.#headers;
  }

  get originalDestination(): string {
    return this.#connection.originalDestination;
  }

  // --- from the codec

  decodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    const { config, services, stats } = this.#context;
    const { info } = this;
    this.#headers = headers;
    this.#headersEnd = endStream;
    stats.requests.add(1);
    stats.active.add(1);
    if (endStream) this.#endRequest();
    info.method = headers.method;
    stripPort(headers, this.#connection.info, config.stripPort);
    info.authority = headers.authority;
    info.path = headers.path;
    if (!this.#preparePath(headers)) return;
    this.remoteIp = forwardAddresses(headers, this.#connection.info, config);
    info.requestId = requestId(headers, config);
    forwardClientCertificate(headers, this.#connection.info.tls, config);
    if (config.tracing) startTrace(headers, info, config.tracing, services.random);
    this.setIdleTimeout(config.streamIdleTimeoutMilliseconds);
    this.setMaximumDuration(config.maximumStreamDurationMilliseconds);
    if (!endStream) this.#limitBodyIdle(headers);
    if (config.requestTimeoutMilliseconds > 0 && !endStream) this.#requestTimer = setTimeout(() => this.#onSlowRequest(), config.requestTimeoutMilliseconds);
    if (headers.upgrade !== '' && !this.upgradeAllowed(headers.upgrade) && !this.#routeAllowsUpgrade(headers.upgrade)) {
      this.sendLocalReply({ status: 403, body: '', details: 'upgrade_failed' });
      return;
    }
    this.#runDecode();
  }

  #preparePath(headers: RequestHeaders): boolean {
    const { config } = this.#context;
    if (headers.authority === '' && headers.method !== 'OPTIONS') {
      this.sendLocalReply({ status: 400, body: '', details: 'missing_host_header' });
      return false;
    }
    if (headers.method === 'CONNECT' && headers.upgrade === '') return true;
    const normalized = normalizePath(headers.path, config);
    if (normalized.kind === 'reject') {
      this.sendLocalReply({ status: 400, body: '', details: 'path_normalization_failed', flag: 'DPE' });
      return false;
    }
    if (normalized.kind === 'redirect') {
      this.sendLocalReply({ status: 307, body: '', details: 'path_normalization_redirect', headers: [['location', normalized.path]] });
      return false;
    }
    headers.path = normalized.path;
    return true;
  }

  #routeAllowsUpgrade(type: string): boolean {
    const action = this.route()?.route.config.action;
    return action?.kind === 'route' && action.upgrades.some((upgrade) => upgrade.enabled && upgrade.type.toLowerCase() === type);
  }

  /** A filter is made when the request reaches it: what it does may depend on what those before it found out or changed. */
  #runDecode(): void {
    const makers = this.#context.filters;
    const headers = this.#headers;
    if (!headers) return;
    while (this.#made < makers.length) {
      const filter = makers[this.#made]?.(this, headers);
      this.#made += 1;
      if (this.#destroyed || this.#responseDone) return;
      if (!filter) continue;
      this.#filters.push(filter);
      const status = filter.decodeHeaders?.(headers, this.#headersEnd) ?? 'continue';
      if (this.#destroyed || this.#responseDone) return;
      if (status !== 'continue' && this.#made < makers.length) {
        this.#stoppedAt = this.#filters.length - 1;
        this.#holdReading(status === 'stop' && !this.#headersEnd);
        return;
      }
    }
    this.#decoding = true;
  }

  #holdReading(hold: boolean): void {
    if (hold === this.#holdsReading) return;
    this.#holdsReading = hold;
    this.readDisable(hold);
  }

  continueDecoding(): void {
    const at = this.#stoppedAt;
    if (at < 0 || this.#destroyed) return;
    this.#stoppedAt = -1;
    this.#runDecode();
    const next = this.#stoppedAt;
    if (next >= 0) this.#passKept(at + 1, next);
    if (!this.#decoding) return;
    const kept = this.#kept;
    this.#kept = [];
    for (const { data, endStream } of kept) this.#passData(data, endStream, at + 1, this.#filters.length);
    if (this.#keptTrailers) this.#passTrailers(this.#keptTrailers, at + 1, this.#filters.length);
    this.#holdReading(false);
  }

  /** What was kept goes on to the filters from `from`, and to the one at `stopped` for as long as it holds the request. */
  #passKept(from: number, stopped: number): void {
    const kept = [...this.#kept];
    const trailers = this.#keptTrailers;
    for (const { data, endStream } of kept) this.#passData(data, endStream, from, stopped);
    if (trailers) this.#passTrailers(trailers, from, stopped);
    for (const { data, endStream } of kept) if (this.#stoppedAt === stopped) this.#passData(data, endStream, stopped, stopped + 1);
    if (trailers && this.#stoppedAt === stopped) this.#passTrailers(trailers, stopped, stopped + 1);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.info.bytesReceived += data.length;
    this.#touch();
    this.#bodyTimer?.refresh();
    if (endStream) this.#endRequest();
    const stopped = this.#stoppedAt;
    if (stopped >= 0) {
      this.#kept.push({ data, endStream });
      this.#passData(data, endStream, 0, stopped + 1);
    } else if (this.#decoding) this.#passData(data, endStream, 0, this.#filters.length);
  }

  #passData(data: Buffer, endStream: boolean, from: number, to: number): void {
    const filters = this.#filters;
    for (let index = from; index < to && !this.#destroyed; index += 1) filters[index]?.decodeData?.(data, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.#endRequest();
    const stopped = this.#stoppedAt;
    if (stopped >= 0) {
      this.#keptTrailers = trailers;
      this.#passTrailers(trailers, 0, stopped + 1);
    } else if (this.#decoding) this.#passTrailers(trailers, 0, this.#filters.length);
  }

  #passTrailers(trailers: HeaderMap, from: number, to: number): void {
    const filters = this.#filters;
    for (let index = from; index < to && !this.#destroyed; index += 1) filters[index]?.decodeTrailers?.(trailers);
  }

  onReset(_reason: StreamResetReason, detail: string): void {
    if (this.#destroyed) return;
    if (!this.#responseDone) {
      this.info.flags.push('DC');
      this.info.responseCodeDetails = detail;
    }
    this.#encoder = null;
    this.#finish();
  }

  onBlocked(blocked: boolean): void {
    for (const filter of this.#filters) filter.onDownstreamBlocked?.(blocked);
  }

  // --- from filters

  route(): SelectedRoute | null {
    if (this.#selected !== undefined) return this.#selected;
    const { services } = this.#context;
    this.#selected = this.#context.routeTable()?.match(this.requestHeaders, services.random, this.info.dynamicMetadata) ?? null;
    this.info.route = this.#selected?.route.config ?? null;
    this.info.routeName = this.#selected?.route.config.name ?? '';
    return this.#selected;
  }

  clearRouteCache(): void {
    this.#selected = undefined;
  }

  upgradeAllowed(type: string): boolean {
    return this.#context.config.upgrades.some((upgrade) => upgrade.enabled && upgrade.type.toLowerCase() === type);
  }

  setIdleTimeout(milliseconds: number): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.#idleTimer = milliseconds > 0 ? setTimeout(() => this.#onIdle(), milliseconds) : null;
  }

  setMaximumDuration(milliseconds: number): void {
    if (this.#lifeTimer) clearTimeout(this.#lifeTimer);
    this.#lifeTimer = milliseconds > 0 ? setTimeout(() => this.#onTooLong(), milliseconds - (this.#context.services.now() - this.info.startMilliseconds)) : null;
  }

  #touch(): void {
    this.#idleTimer?.refresh();
  }

  #onIdle(): void {
    this.info.flags.push('SI');
    if (this.#responseHeaders === null) this.sendLocalReply({ status: this.#timeoutStatus(), body: 'stream timeout', details: 'stream_idle_timeout' });
    else this.resetStream();
  }

  /** Streams that are quiet by their nature are let be: upgraded ones, tunnels, gRPC. */
  #limitBodyIdle(headers: RequestHeaders): void {
    const limit = this.#context.config.requestBodyIdleTimeoutMilliseconds;
    if (limit <= 0 || headers.upgrade !== '' || headers.method === 'CONNECT' || (headers.get('content-type') ?? '').startsWith('application/grpc')) return;
    this.#bodyTimer = setTimeout(() => {
      // Held back by us, or answered already: not the client's silence.
      if (this.#readsHeld > 0) this.#bodyTimer?.refresh();
      else this.#onSlowRequest();
    }, limit);
  }

  #onSlowRequest(): void {
    this.#requestTimer = null;
    if (this.#responseHeaders === null) this.sendLocalReply({ status: 408, body: 'request timeout', details: 'request_overall_timeout' });
  }

  #onTooLong(): void {
    this.info.flags.push('UMSDR');
    if (this.#responseHeaders === null) this.sendLocalReply({ status: this.#timeoutStatus(), body: 'downstream duration timeout', details: 'max_duration_timeout' });
    else this.resetStream();
  }

  /** The client is late with its request, or, when that is here, the upstream with its answer. */
  #timeoutStatus(): 408 | 504 {
    return this.info.requestEndMilliseconds > 0 ? 504 : 408;
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#destroyed || this.#responseDone) return;
    if (this.#responseHeaders !== null) {
      this.resetStream();
      return;
    }
    if (reply.flag && !this.info.flags.includes(reply.flag)) this.info.flags.push(reply.flag);
    this.info.responseCodeDetails = reply.details;
    const grpc = (this.#headers?.get('content-type') ?? '').startsWith('application/grpc');
    const { headers, body } = buildLocalReply(reply, grpc);
    const bodyless = body.length === 0 || this.#headers?.method === 'HEAD';
    this.encodeHeaders(headers, bodyless);
    if (!bodyless) this.encodeData(Buffer.from(body), true);
  }

  encode1xx(headers: ResponseHeaders): void {
    this.#encoder?.encode1xx(headers);
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.#destroyed) return;
    const { config, stats } = this.#context;
    const filters = this.#filters;
    for (let index = filters.length - 1; index >= 0; index -= 1) filters[index]?.encodeHeaders?.(headers, endStream);
    // An empty name passes the upstream's through.
    if (config.serverName !== '') headers.set('server', config.serverName);
    if (!headers.has('date')) headers.add('date', httpDate(Date.now()));
    this.#responseHeaders = headers;
    this.info.responseCode = headers.status;
    stats.byClass[Math.floor(headers.status / 100)]?.add(1);
    const grpcStatus = headers.get('grpc-status');
    if (grpcStatus !== undefined) this.info.grpcStatus = grpcStatus;
    this.#touch();
    this.#encoder?.encodeHeaders(headers, endStream);
    if (endStream) this.#endResponse();
  }

  encodeData(data: Buffer, endStream: boolean): boolean {
    if (this.#destroyed) return true;
    this.info.bytesSent += data.length;
    this.#touch();
    const filters = this.#filters;
    for (let index = filters.length - 1; index >= 0; index -= 1) filters[index]?.encodeData?.(data, endStream);
    const free = this.#encoder?.encodeData(data, endStream) ?? true;
    if (endStream) this.#endResponse();
    return free;
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#destroyed) return;
    const filters = this.#filters;
    for (let index = filters.length - 1; index >= 0; index -= 1) filters[index]?.encodeTrailers?.(trailers);
    const grpcStatus = trailers.get('grpc-status');
    if (grpcStatus !== undefined) this.info.grpcStatus = grpcStatus;
    this.#encoder?.encodeTrailers(trailers);
    this.#endResponse();
  }

  resetStream(): void {
    const encoder = this.#encoder;
    this.#encoder = null;
    this.#finish();
    encoder?.reset('local_reset');
  }

  readDisable(disable: boolean): void {
    this.#readsHeld = Math.max(0, this.#readsHeld + (disable ? 1 : -1));
    this.#encoder?.readDisable(disable);
  }

  // --- the end

  #endRequest(): void {
    this.info.requestEndMilliseconds = this.#context.services.now();
    if (this.#requestTimer) clearTimeout(this.#requestTimer);
    if (this.#bodyTimer) clearTimeout(this.#bodyTimer);
    this.#bodyTimer = null;
  }

  #endResponse(): void {
    this.#responseDone = true;
    this.#encoder = null;
    this.#finish();
  }

  #finish(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    if (this.#lifeTimer) clearTimeout(this.#lifeTimer);
    if (this.#requestTimer) clearTimeout(this.#requestTimer);
    if (this.#bodyTimer) clearTimeout(this.#bodyTimer);
    const { services, stats, observers } = this.#context;
    this.info.endMilliseconds = services.now();
    if (this.info.responseCodeDetails === '' && this.#responseDone) this.info.responseCodeDetails = 'via_upstream';
    for (const filter of this.#filters) filter.onDestroy?.();
    if (this.#headers) {
      stats.active.add(-1);
      stats.time.record(this.info.endMilliseconds - this.info.startMilliseconds);
    }
    for (const observer of observers) observer.onStreamEnd(this.info, this.#headers, this.#responseHeaders);
    this.#kept = [];
  }
}
