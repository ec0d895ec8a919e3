// Cross-origin resource sharing: answers preflights and marks responses, by the policy of the route.
import type { CorsPolicyConfig, HttpFilterConfig } from '../../../config/filter-config.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { compileStringMatcher } from '../../../stream/string-matcher.ts';
import { compileOnce, overrideOf, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';

/** Makes the filter. */
export function corsFilter(config: Extract<HttpFilterConfig, { kind: 'cors' }>): HttpFilterInstance {
  return (callbacks, headers) => {
    const origin = headers.get('origin');
    if (origin === undefined || origin === '') return null;
    const policy = overrideOf(callbacks, config.name);
    if (policy === undefined || !('kind' in policy) || policy.kind !== 'cors_policy') return null;
    return new Cors(callbacks, policy, origin);
  };
}

class Cors implements HttpFilter {
  readonly #callbacks: StreamCallbacks;
  readonly #policy: CorsPolicyConfig;
  readonly #origin: string;
  readonly #allowed: boolean;

  constructor(callbacks: StreamCallbacks, policy: CorsPolicyConfig, origin: string) {
    this.#callbacks = callbacks;
    this.#policy = policy;
    this.#origin = origin;
    const matchers = compileOnce(policy, (own) => own.allowOrigins.map(compileStringMatcher));
    this.#allowed = matchers.some((matches) => matches(origin));
  }

  decodeHeaders(headers: RequestHeaders): FilterStatus {
    if (headers.method !== 'OPTIONS' || !headers.has('access-control-request-method')) return 'continue';
    if (!this.#allowed && this.#policy.forwardNotMatchingPreflights) return 'continue';
    const policy = this.#policy;
    const answer: [string, string][] = [];
    const add = (name: string, value: string): void => {
      if (value !== '') answer.push([name, value]);
    };
    if (this.#allowed) {
      add('access-control-allow-methods', allowed(policy, policy.allowMethods, headers.get('access-control-request-method')));
      add('access-control-allow-headers', allowed(policy, policy.allowHeaders, headers.get('access-control-request-headers')));
      add('access-control-max-age', policy.maxAge);
    }
    this.#callbacks.sendLocalReply({ status: 200, body: '', details: 'cors_response', headers: answer });
    return 'stop';
  }

  encodeHeaders(headers: ResponseHeaders): void {
    if (!this.#allowed) return;
    headers.set('access-control-allow-origin', this.#origin);
    if (this.#policy.allowCredentials) headers.set('access-control-allow-credentials', 'true');
    if (this.#policy.exposeHeaders !== '') headers.set('access-control-expose-headers', this.#policy.exposeHeaders);
  }
}

/** A star means itself to a browser when credentials are sent along, so what was asked for is named instead (Fetch, section 3.3.4). */
function allowed({ allowCredentials }: CorsPolicyConfig, value: string, asked: string | undefined): string {
  return value === '*' && allowCredentials ? asked ?? '' : value;
}
