// Envoy's JWT filter (envoy.filters.http.jwt_authn): requests are let through with the tokens that the configuration asks for. Claims of good tokens go into
// headers, and into dynamic metadata for access rules and routes.
import type { JwtAuthnConfig } from '../../../config/jwt-authn-config.ts';
import { compileRouteMatch } from '../../../route/route-table.ts';
import { setDynamicMetadata } from '../../../stream/create-stream-info.ts';
import type { FilterStatus, HttpFilter } from '../../../stream/filter.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { FilterServices } from '../../services.ts';
import { overrideOf, type HttpFilterInstance, type StreamCallbacks } from '../api.ts';
import type { Count } from './key-source.ts';
import { Provider } from './provider.ts';
import { compileRequirement, type Verification, type Verifier } from './requirement.ts';
import { statusText, type JwtStatus } from './status.ts';

const NAMESPACE = 'envoy.filters.http.jwt_authn';
const MAXIMUM_REALM_PATH = 256;

/** Makes the filter; its statistics start with `statPrefix`. */
export function jwtAuthnFilter(config: JwtAuthnConfig & { readonly name: string }, services: FilterServices, statPrefix: string): HttpFilterInstance {
  const count: Count = (what) => services.stats.counter(`${statPrefix}jwt_authn.${what}`).add(1);
  const providers = new Map(Object.entries(config.providers).map(([name, provider]) => [name, new Provider(provider, services, count)]));
  const rules = config.rules.map(({ match, requires }) => ({ matches: compileRouteMatch(match), verifier: requires.kind === 'nothing' ? null : compileRequirement(requires, providers) }));
  const named = new Map(Object.entries(config.requirements).map(([name, requirement]) => [name, compileRequirement(requirement, providers)]));
  return (callbacks, headers) => {
    if (config.bypassCorsPreflight && isCorsPreflight(headers)) {
      count('cors_preflight_bypassed');
      count('allowed');
      return null;
    }
    const override = overrideOf(callbacks, config.name);
    if (override && 'disabled' in override) return null;
    let verifier: Verifier | null | undefined;
    if (override?.kind === 'jwt_authn_route') {
      verifier = named.get(override.requirement);
      if (!verifier) return refuseRoute(callbacks, config, `Wrong requirement_name: ${override.requirement}. It should be one of [${[...named.keys()].sort().join(',')}]`, count);
    } else verifier = rules.find(({ matches }) => matches(headers, services.random))?.verifier;
    if (verifier) return new TokenCheck(callbacks, verifier, config, count);
    count('allowed');
    return null;
  };
}

/** A browser sends no credentials with it (Fetch standard, CORS-preflight fetch). */
function isCorsPreflight(headers: RequestHeaders): boolean {
  return headers.method === 'OPTIONS' && (headers.get('origin') ?? '') !== '' && (headers.get('access-control-request-method') ?? '') !== '';
}

/** Without blanks, as access logs take them. */
function detailsOf(text: string): string {
  return `jwt_authn_access_denied{${text.replaceAll(/\s/g, '_')}}`;
}

function refuseRoute(callbacks: StreamCallbacks, config: JwtAuthnConfig, text: string, count: Count): HttpFilter {
  return {
    decodeHeaders() {
      count('denied');
      callbacks.sendLocalReply({ status: 403, body: config.stripFailureResponse ? '' : `Failed JWT authentication: ${text}`, details: detailsOf(text) });
      return 'stop';
    },
  };
}

class TokenCheck implements HttpFilter {
  readonly #callbacks: StreamCallbacks;
  readonly #verifier: Verifier;
  readonly #config: JwtAuthnConfig;
  readonly #count: Count;
  #verification: Verification | null = null;
  #outcome: JwtStatus | null = null;
  #stopped = false;
  #destroyed = false;

  constructor(callbacks: StreamCallbacks, verifier: Verifier, config: JwtAuthnConfig, count: Count) {
    this.#callbacks = callbacks;
    this.#verifier = verifier;
    this.#config = config;
    this.#count = count;
  }

  decodeHeaders(headers: RequestHeaders): FilterStatus {
    const realm = realmOf(headers);
    const verification: Verification = { headers, metadata: {}, clearRoute: false, cancel: () => undefined };
    this.#verification = verification;
    this.#verifier(verification, (status) => this.#onDone(status, verification, realm));
    if (this.#outcome === 'ok') return 'continue';
    this.#stopped = true;
    return 'stop';
  }

  #onDone(status: JwtStatus, { metadata, clearRoute }: Verification, realm: string): void {
    if (this.#destroyed || this.#outcome !== null) return;
    this.#outcome = status;
    if (Object.keys(metadata).length > 0) setDynamicMetadata(this.#callbacks.info, NAMESPACE, metadata);
    if (status !== 'ok') return this.#refuse(status, realm);
    this.#count('allowed');
    if (clearRoute) this.#callbacks.clearRouteCache();
    if (this.#stopped) this.#callbacks.continueDecoding();
  }

  #refuse(status: JwtStatus, realm: string): void {
    this.#count('denied');
    const text = statusText(status);
    const code = status === 'audience_not_allowed' ? 403 : 401;
    const challenge = `Bearer realm="${realm}"${status === 'missing' ? '' : ', error="invalid_token"'}`;
    if (this.#config.stripFailureResponse) this.#callbacks.sendLocalReply({ status: code, body: '', details: detailsOf(text) });
    else this.#callbacks.sendLocalReply({ status: code, body: text, details: detailsOf(text), headers: [['www-authenticate', challenge]] });
  }

  onDestroy(): void {
    this.#destroyed = true;
    this.#verification?.cancel();
  }
}

/** The address that was asked for; a quotation mark in it must not end the parameter. */
function realmOf(headers: RequestHeaders): string {
  const scheme = headers.get('x-forwarded-proto') ?? headers.scheme;
  return `${scheme}://${headers.authority}${headers.path.slice(0, MAXIMUM_REALM_PATH)}`.replaceAll('"', '%22').replaceAll('\\', '%5C');
}
