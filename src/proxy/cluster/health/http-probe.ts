// A health check by HTTP/1.1 or HTTP/2: keeps a connection to one host, sends a request and has the exchange judge the answer. HTTP and gRPC checks differ in
// their exchange alone.
import { DEFAULT_HEADER_LIMITS, type ClientConnection, type RequestEncoder, type ResponseDecoder, type StreamResetReason } from '../../codec/api.ts';
import { Http1ClientConnection } from '../../codec/http1/client-connection.ts';
import { Http2ClientConnection } from '../../codec/http2/client-connection.ts';
import type { HealthCheckConfig } from '../../config/runtime-config.ts';
import type { OpenConnection } from '../../net/connect.ts';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';
import type { CheckedCluster } from './checked-cluster.ts';
import type { Host } from '../host.ts';
import type { Probe, ProbeResult } from './health-session.ts';
import { openProbeConnection } from './probe-connection.ts';

/** A request and what its answer means. */
export interface ProbeExchange {
  headers(): RequestHeaders;
  /** The request's body; null for none. */
  readonly body: Buffer | null;
  /** Bytes of the answer's body that are looked at. */
  readonly answerBytes: number;
  judge(headers: ResponseHeaders, body: Buffer, trailers: HeaderMap | null): ProbeResult;
}

const NETWORK: ProbeResult = { success: false, failure: 'network', retriable: false };

/** Asks one host. */
export class HttpProbe implements Probe {
  readonly #config: HealthCheckConfig;
  readonly #exchange: ProbeExchange;
  readonly #codec: 'http1' | 'http2';
  readonly #host: Host;
  readonly #cluster: CheckedCluster;
  #client: ClientConnection | null = null;
  #giveUp: (() => void) | null = null;
  #running: Answer | null = null;

  constructor(config: HealthCheckConfig, exchange: ProbeExchange, codec: 'http1' | 'http2', host: Host, cluster: CheckedCluster) {
    this.#config = config;
    this.#exchange = exchange;
    this.#codec = codec;
    this.#host = host;
    this.#cluster = cluster;
  }

  check(done: (result: ProbeResult) => void): void {
    const answer = new Answer(this.#exchange, (result) => {
      if (this.#running !== answer) return;
      this.#running = null;
      if (this.#client && this.#client.availableStreams === 0) this.#drop();
      done(result);
    });
    this.#running = answer;
    if (this.#client && this.#client.availableStreams > 0) this.#ask(this.#client, answer);
    else {
      this.#drop();
      this.#giveUp = openProbeConnection(this.#config, this.#host, this.#cluster, (open) => {
        this.#giveUp = null;
        if (this.#running !== answer) open?.socket.destroy();
        else if (open) this.#onConnected(open, answer);
        else answer.end(NETWORK);
      });
    }
  }

  #onConnected({ socket }: OpenConnection, answer: Answer): void {
    const callbacks = { onStreamDone: (): void => undefined, onGoAway: (): void => undefined };
    const onClose = (): void => {
      if (this.#client === client) this.#client = null;
      answer.end(NETWORK);
    };
    const client: ClientConnection = this.#codec === 'http1' ? new Http1ClientConnection(socket, { ...callbacks, onClose }, DEFAULT_HEADER_LIMITS)
      : new Http2ClientConnection(socket, { ...callbacks, onClose, onConfirmed: () => this.#ask(client, answer) }, 100, this.#config.timeoutMilliseconds);
    this.#client = client;
    if (this.#codec === 'http1') this.#ask(client, answer);
  }

  #ask(client: ClientConnection, answer: Answer): void {
    if (this.#running !== answer) return;
    const encoder = client.newStream(answer);
    answer.encoder = encoder;
    const { body } = this.#exchange;
    encoder.encodeHeaders(this.#exchange.headers(), body === null);
    if (body) encoder.encodeData(body, true);
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    client?.close();
  }

  cancel(): void {
    this.#running = null;
    this.#giveUp?.();
    this.#giveUp = null;
    this.#drop();
  }

  close(): void {
    this.cancel();
  }
}

/** Gathers one answer. */
class Answer implements ResponseDecoder {
  encoder: RequestEncoder | null = null;
  readonly #exchange: ProbeExchange;
  readonly #done: (result: ProbeResult) => void;
  #headers: ResponseHeaders | null = null;
  #body: Buffer[] = [];
  #bytes = 0;
  #over = false;

  constructor(exchange: ProbeExchange, done: (result: ProbeResult) => void) {
    this.#exchange = exchange;
    this.#done = done;
  }

  decode1xx(): void {
    // The real answer follows.
  }

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.#headers = headers;
    if (endStream) this.#judge(null);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    const room = this.#exchange.answerBytes - this.#bytes;
    if (room > 0) this.#body.push(data.subarray(0, room));
    this.#bytes += data.length;
    if (endStream) this.#judge(null);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.#judge(trailers);
  }

  onReset(_reason: StreamResetReason): void {
    this.end(NETWORK);
  }

  onBlocked(): void {
    // A probe's body fits into any buffer.
  }

  #judge(trailers: HeaderMap | null): void {
    const headers = this.#headers;
    if (!headers || this.#over) return;
    // Not within the codec's call: the connection is free for the next check only after it.
    const result = this.#exchange.judge(headers, Buffer.concat(this.#body), trailers);
    setImmediate(() => this.end(result));
  }

  end(result: ProbeResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#done(result);
  }
}
