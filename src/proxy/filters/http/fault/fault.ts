// Delays and aborts put in on purpose, for tests of what depends on this service.
import type { FaultConfig, HttpFilterConfig } from '../../../config/filter-config.ts';
import { compileHeaderMatches } from '../../../route/header-matcher.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { FilterServices } from '../../services.ts';
import { compileOnce, overrideOf, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';

/** Makes the filter. */
export function faultFilter(config: Extract<HttpFilterConfig, { kind: 'fault' }>, services: FilterServices): HttpFilterInstance {
  const active = { count: 0 };
  return (callbacks, headers) => {
    const override = overrideOf(callbacks, config.name);
    const fault: FaultConfig | null = override === undefined ? config : 'kind' in override && override.kind === 'fault' ? override : null;
    if (!fault || (!fault.delay && !fault.abort)) return null;
    const matches = compileOnce(fault, (own) => compileHeaderMatches(own.headers));
    if (!matches(headers) || (fault.maximumActive !== null && active.count >= fault.maximumActive)) return null;
    const draw = (perMillion: number): boolean => services.random() * 1_000_000 < perMillion;
    const delay = fault.delay && draw(fault.delay.perMillion) ? fault.delay.milliseconds : 0;
    const abort = fault.abort && draw(fault.abort.perMillion) ? fault.abort : null;
    return delay > 0 || abort ? new Fault(callbacks, delay, abort, active) : null;
  };
}

class Fault implements HttpFilter {
  readonly #callbacks: StreamCallbacks;
  readonly #delay: number;
  readonly #abort: FaultConfig['abort'];
  readonly #active: { count: number };
  #timer: NodeJS.Timeout | null = null;

  constructor(callbacks: StreamCallbacks, delay: number, abort: FaultConfig['abort'], active: { count: number }) {
    this.#callbacks = callbacks;
    this.#delay = delay;
    this.#abort = abort;
    this.#active = active;
    active.count += 1;
  }

  decodeHeaders(_headers: RequestHeaders): FilterStatus {
    if (this.#delay > 0) {
      this.#callbacks.info.flags.push('DI');
      this.#timer = setTimeout(() => this.#afterDelay(), this.#delay);
      return 'stop';
    }
    return this.#abortOrContinue() ? 'stop' : 'continue';
  }

  #afterDelay(): void {
    if (!this.#abortOrContinue()) this.#callbacks.continueDecoding();
  }

  #abortOrContinue(): boolean {
    if (!this.#abort) return false;
    const { httpStatus, grpcStatus } = this.#abort;
    this.#callbacks.sendLocalReply({ status: httpStatus ?? 200, body: 'fault filter abort', details: 'fault_filter_abort', flag: 'FI', ...(grpcStatus === null ? {} : { grpcStatus }) });
    return true;
  }

  onDestroy(): void {
    this.#active.count -= 1;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
