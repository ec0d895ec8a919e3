// Holds a request until its body is whole, so that an application is not kept waiting by a slow client (envoy.filters.http.buffer). A body that is too large gets 413.
import type { BufferConfig } from '../../../config/small-filter-config.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import { overrideOf, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';

/** Makes the filter. */
export function bufferFilter(config: BufferConfig & { readonly name: string }): HttpFilterInstance {
  return (callbacks) => {
    const override = overrideOf(callbacks, config.name);
    if (override === undefined) return new BufferFilter(callbacks, config.maximumBytes);
    return 'kind' in override && override.kind === 'buffer' ? new BufferFilter(callbacks, override.maximumBytes) : null;
  };
}

class BufferFilter implements HttpFilter {
  readonly #callbacks: StreamCallbacks;
  readonly #maximumBytes: number;
  #bytes = 0;
  #holds = false;

  constructor(callbacks: StreamCallbacks, maximumBytes: number) {
    this.#callbacks = callbacks;
    this.#maximumBytes = maximumBytes;
  }

  decodeHeaders(headers: RequestHeaders, endStream: boolean): FilterStatus {
    // What is not a message has no end to be waited for.
    if (endStream || headers.upgrade !== '' || headers.method === 'CONNECT') return 'continue';
    this.#holds = true;
    return 'stop_and_read';
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (!this.#holds) return;
    this.#bytes += data.length;
    if (this.#bytes > this.#maximumBytes) {
      this.#holds = false;
      this.#callbacks.sendLocalReply({ status: 413, body: 'Payload Too Large', details: 'request_payload_too_large' });
    } else if (endStream) {
      // Its length is known now.
      if (!this.#callbacks.requestHeaders.has('content-length')) this.#callbacks.requestHeaders.set('content-length', String(this.#bytes));
      this.#goOn();
    }
  }

  decodeTrailers(): void {
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#callbacks.continueDecoding();
  }
}
