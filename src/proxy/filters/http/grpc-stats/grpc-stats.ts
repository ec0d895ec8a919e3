// Counts the messages of gRPC streams, in both directions; the numbers go to filter state, where telemetry finds them.
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import type { HttpFilter } from '../../../stream/filter.ts';
import { setFilterState } from '../../../stream/create-stream-info.ts';
import type { HttpFilterInstance, StreamCallbacks } from '../api.ts';

/** Counts length-prefixed gRPC messages in bytes of any chunking. */
export class GrpcMessageCounter {
  count = 0;
  #head = 0;
  #length = 0;
  #left = 0;

  add(data: Buffer): void {
    let offset = 0;
    while (offset < data.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, data.length - offset);
        this.#left -= skipped;
        offset += skipped;
        continue;
      }
      if (this.#head > 0) this.#length = this.#length * 256 + (data[offset] ?? 0);
      this.#head += 1;
      offset += 1;
      if (this.#head < 5) continue;
      this.count += 1;
      this.#left = this.#length;
      this.#head = 0;
      this.#length = 0;
    }
  }
}

/** Makes the filter. */
export function grpcStatsFilter(_config: Extract<HttpFilterConfig, { kind: 'grpc_stats' }>): HttpFilterInstance {
  return (callbacks, headers) => ((headers.get('content-type') ?? '').startsWith('application/grpc') ? new GrpcStats(callbacks) : null);
}

class GrpcStats implements HttpFilter {
  readonly #callbacks: StreamCallbacks;
  readonly #requests = new GrpcMessageCounter();
  readonly #responses = new GrpcMessageCounter();

  constructor(callbacks: StreamCallbacks) {
    this.#callbacks = callbacks;
  }

  decodeData(data: Buffer): void {
    this.#requests.add(data);
  }

  encodeData(data: Buffer): void {
    this.#responses.add(data);
  }

  onDestroy(): void {
    const { info } = this.#callbacks;
    setFilterState(info, 'envoy.filters.http.grpc_stats.request_messages', String(this.#requests.count));
    setFilterState(info, 'envoy.filters.http.grpc_stats.response_messages', String(this.#responses.count));
  }
}
