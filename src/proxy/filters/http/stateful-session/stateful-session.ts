// Keeps a session at one endpoint: reads its address from the request's cookie or header, asks the router for it, and tells the client when another one answered.
// Follows Envoy's stateful session filter.
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import type { SessionStateConfig, StatefulSessionConfig } from '../../../config/stateful-session-config.ts';
import { cookieValue } from '../../../route/hash-policy.ts';
import { setFilterState } from '../../../stream/create-stream-info.ts';
import type { HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { overrideOf, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';
import { addressOfCookie, addressOfHeader, cookieValueOf, headerValueOf } from './session-value.ts';

/** Key of filter state that the router reads: addresses, behind `!` when no other will do. */
const OVERRIDE_HOST_STATE = 'mizzen.override_host';

/** Makes the filter. */
export function statefulSessionFilter(config: Extract<HttpFilterConfig, { kind: 'stateful_session' }>): HttpFilterInstance {
  return (callbacks, headers) => {
    const override = overrideOf(callbacks, config.name);
    if (override && 'disabled' in override) return null;
    const chosen: StatefulSessionConfig = override && 'kind' in override && override.kind === 'stateful_session' ? override : config;
    if (!chosen.session || !pathMatches(chosen.session, headers.path)) return null;
    return new SessionFilter(chosen.session, chosen.strict, callbacks);
  };
}

/** A cookie is for its path and what is below. */
function pathMatches(session: SessionStateConfig, requestPath: string): boolean {
  if (session.kind === 'header' || session.path === '' || session.path === '/') return true;
  const path = requestPath.split('?')[0] ?? '';
  return path === session.path || (path.startsWith(session.path) && (session.path.endsWith('/') || path[session.path.length] === '/'));
}

class SessionFilter implements HttpFilter {
  readonly #session: SessionStateConfig;
  readonly #strict: boolean;
  readonly #callbacks: StreamCallbacks;
  #address: string | undefined;

  constructor(session: SessionStateConfig, strict: boolean, callbacks: StreamCallbacks) {
    this.#session = session;
    this.#strict = strict;
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: RequestHeaders): 'continue' {
    this.#address = this.#read(headers);
    if (this.#address !== undefined) setFilterState(this.#callbacks.info, OVERRIDE_HOST_STATE, `${this.#strict ? '!' : ''}${this.#address}`);
    return 'continue';
  }

  #read(headers: RequestHeaders): string | undefined {
    const session = this.#session;
    const value = session.kind === 'cookie' ? cookieValue(headers, session.name) : headers.get(session.name);
    if (value === undefined) return undefined;
    return session.kind === 'cookie' ? addressOfCookie(value, Date.now() / 1000) : addressOfHeader(value);
  }

  encodeHeaders(headers: ResponseHeaders): void {
    const session = this.#session;
    const host = this.#callbacks.info.upstreamHost;
    if (host === '' || host === this.#address) return;
    if (session.kind === 'header') headers.set(session.name, headerValueOf(host));
    else headers.add('set-cookie', cookieLine(session, cookieValueOf(host, session.ttlSeconds > 0 ? Math.floor(Date.now() / 1000) + session.ttlSeconds : 0)));
  }
}

function cookieLine({ name, path, ttlSeconds }: SessionStateConfig & { kind: 'cookie' }, value: string): string {
  return `${name}="${value}"${ttlSeconds > 0 ? `; Max-Age=${ttlSeconds}` : ''}${path === '' ? '' : `; Path=${path}`}; HttpOnly`;
}
