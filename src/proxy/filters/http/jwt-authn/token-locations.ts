// Where tokens stand in a request: headers, query parameters, cookies. Each place remembers which issuers may use it, and how the token is taken out.
import type { JwtProviderConfig } from '../../../config/jwt-authn-config.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';

/** A token that a request brings. */
export interface FoundToken {
  readonly text: string;
  /** Whether a provider with this issuer looks here. */
  allows(issuer: string): boolean;
  /** Takes it out of the request. */
  remove(headers: RequestHeaders): void;
}

/** Finds the tokens of a request, and removes headers that only verified tokens may write. */
export interface TokenFinder {
  find(headers: RequestHeaders): FoundToken[];
  sanitize(headers: RequestHeaders): void;
}

class Issuers {
  readonly #names = new Set<string>();

  add(issuer: string): void {
    this.#names.add(issuer);
  }

  allows(issuer: string): boolean {
    return this.#names.has('') || this.#names.has(issuer);
  }
}

interface HeaderPlace { readonly name: string; readonly prefix: string; readonly issuers: Issuers }
interface NamedPlace { readonly name: string; readonly issuers: Issuers }

/** The finder of `providers`, in the order in which Envoy looks: headers, parameters and cookies, each by name. */
export function compileTokenFinder(providers: readonly JwtProviderConfig[]): TokenFinder {
  const headers = new Map<string, HeaderPlace>();
  const parameters = new Map<string, NamedPlace>();
  const cookies = new Map<string, NamedPlace>();
  const owned = new Set<string>();
  for (const provider of providers) {
    const { issuer } = provider;
    const addHeader = (name: string, prefix: string): void => placeOf(headers, `${name}${prefix}`, { name, prefix, issuers: new Issuers() }).issuers.add(issuer);
    const addParameter = (name: string): void => placeOf(parameters, name, { name, issuers: new Issuers() }).issuers.add(issuer);
    for (const { name, prefix } of provider.fromHeaders) addHeader(name, prefix);
    for (const name of provider.fromParameters) addParameter(name);
    for (const name of provider.fromCookies) placeOf(cookies, name, { name, issuers: new Issuers() }).issuers.add(issuer);
    if (provider.fromHeaders.length + provider.fromParameters.length + provider.fromCookies.length === 0) {
      addHeader('authorization', 'Bearer ');
      addParameter('access_token');
    }
    if (provider.forwardPayloadHeader !== '') owned.add(provider.forwardPayloadHeader);
    for (const { header } of provider.claimToHeaders) owned.add(header);
  }
  const [inHeaders, inParameters, inCookies] = [sorted(headers), sorted(parameters), sorted(cookies)];
  return {
    find: (request) => [...fromHeaders(request, inHeaders), ...fromParameters(request, inParameters), ...fromCookies(request, inCookies)],
    sanitize(request) {
      for (const name of owned) request.remove(name);
    },
  };
}

function placeOf<T>(places: Map<string, T>, key: string, fresh: T): T {
  const present = places.get(key) ?? fresh;
  places.set(key, present);
  return present;
}

function sorted<T>(places: Map<string, T>): T[] {
  return [...places].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, place]) => place);
}

function fromHeaders(request: RequestHeaders, places: readonly HeaderPlace[]): FoundToken[] {
  return places.flatMap(({ name, prefix, issuers }) => request.getAll(name).flatMap((value): FoundToken[] => {
    const at = prefix === '' ? 0 : value.indexOf(prefix);
    if (at < 0) return [];
    return [{ text: prefix === '' ? value : afterPrefix(value, at + prefix.length), allows: (issuer) => issuers.allows(issuer), remove: (headers) => headers.remove(name) }];
  }));
}

/** Characters that no token starts with are passed over; a value with nothing else stays whole, to be refused as a token. */
function afterPrefix(value: string, start: number): string {
  const rest = value.slice(start);
  const at = rest.search(/[A-Za-z0-9\-_.]/);
  return at < 0 ? value : rest.slice(at);
}

function fromParameters(request: RequestHeaders, places: readonly NamedPlace[]): FoundToken[] {
  if (places.length === 0 || !request.path.includes('?')) return [];
  const parts = splitQuery(request.path).parts;
  return places.flatMap(({ name, issuers }): FoundToken[] => {
    const part = parts.find((candidate) => nameOf(candidate) === name);
    if (part === undefined) return [];
    const equals = part.indexOf('=');
    return [{ text: equals < 0 ? '' : decode(part.slice(equals + 1)), allows: (issuer) => issuers.allows(issuer), remove: (headers) => removeParameter(headers, name) }];
  });
}

function splitQuery(path: string): { readonly before: string; readonly parts: readonly string[]; readonly fragment: string } {
  const start = path.indexOf('?');
  if (start < 0) return { before: path, parts: [], fragment: '' };
  const hash = path.indexOf('#', start);
  const end = hash < 0 ? path.length : hash;
  return { before: path.slice(0, start), parts: path.slice(start + 1, end).split('&'), fragment: path.slice(end) };
}

function nameOf(part: string): string {
  const equals = part.indexOf('=');
  return decode(equals < 0 ? part : part.slice(0, equals));
}

function decode(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function removeParameter(headers: RequestHeaders, name: string): void {
  const { before, parts, fragment } = splitQuery(headers.path);
  const kept = parts.filter((part) => nameOf(part) !== name);
  headers.path = `${before}${kept.length > 0 ? `?${kept.join('&')}` : ''}${fragment}`;
}

function fromCookies(request: RequestHeaders, places: readonly NamedPlace[]): FoundToken[] {
  if (places.length === 0) return [];
  const pairs = request.getAll('cookie').flatMap((value) => value.split(';')).map((pair) => pair.trim());
  return places.flatMap(({ name, issuers }): FoundToken[] => {
    const pair = pairs.find((candidate) => candidate.startsWith(`${name}=`));
    if (pair === undefined) return [];
    // Envoy leaves the cookie where it is, as others may stand beside it.
    return [{ text: pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'), allows: (issuer) => issuers.allows(issuer), remove: () => undefined }];
  });
}
