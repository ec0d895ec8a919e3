// A token bucket in this process: requests beyond it get 429.
import type { HttpFilterConfig, LocalRateLimitConfig } from '../../../config/filter-config.ts';
import type { FilterServices } from '../../services.ts';
import { compileOnce, overrideOf, type HttpFilterInstance } from '../api.ts';

class TokenBucket {
  readonly #bucket: NonNullable<LocalRateLimitConfig['bucket']>;
  #tokens: number;
  #filledAt: number;

  constructor(bucket: NonNullable<LocalRateLimitConfig['bucket']>, now: number) {
    this.#bucket = bucket;
    this.#tokens = bucket.maximumTokens;
    this.#filledAt = now;
  }

  take(now: number): boolean {
    const { fillIntervalMilliseconds, tokensPerFill, maximumTokens } = this.#bucket;
    const fills = Math.floor((now - this.#filledAt) / fillIntervalMilliseconds);
    if (fills > 0) {
      this.#tokens = Math.min(maximumTokens, this.#tokens + fills * tokensPerFill);
      this.#filledAt += fills * fillIntervalMilliseconds;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Makes the filter. */
export function localRateLimitFilter(config: Extract<HttpFilterConfig, { kind: 'local_ratelimit' }>, services: FilterServices): HttpFilterInstance {
  return (callbacks) => {
    const override = overrideOf(callbacks, config.name);
    const limit: LocalRateLimitConfig | null = override === undefined ? config : 'kind' in override && override.kind === 'local_ratelimit' ? override : null;
    if (!limit?.bucket || services.random() * 1_000_000 >= limit.enabledPerMillion) return null;
    const count = (what: string): void => services.stats.counter(`${limit.statPrefix}.http_local_rate_limit.${what}`).add(1);
    count('enabled');
    if (compileOnce(limit.bucket, (bucket) => new TokenBucket(bucket, services.now())).take(services.now())) {
      count('ok');
      return null;
    }
    count('rate_limited');
    if (services.random() * 1_000_000 >= limit.enforcedPerMillion) return null;
    count('enforced');
    return {
      decodeHeaders() {
        callbacks.sendLocalReply({ status: limit.status || 429, body: 'local_rate_limited', details: 'local_rate_limited', flag: 'RL', headers: [['x-envoy-ratelimited', 'true']] });
        return 'stop';
      },
    };
  };
}
