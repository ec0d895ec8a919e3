// What proxies get of a fetched key set: public keys, and of these the members that say something about a key (RFC 7517, RFC 7518 section 6). Whatever else stood
// at the address is not passed on, so that nobody can read a foreign document through a proxy's configuration.
import { createPublicKey } from 'node:crypto';
import { isUsableKey } from '../../shared/api/security/key-set-shape.ts';

const MEMBERS = ['kty', 'kid', 'alg', 'use', 'key_ops', 'n', 'e', 'crv', 'x', 'y'];
const MAXIMUM_KEYS = 100;

/** The public keys of the key set in `text` as JSON; throws when it is none or has none. */
export function publicKeySet(text: string): string {
  const document = parse(text);
  const list = typeof document === 'object' && document !== null ? (document as { readonly keys?: unknown }).keys : undefined;
  if (!Array.isArray(list)) throw new Error('the answer is not a key set: it has no list of keys');
  const keys = list.filter((key: unknown) => isPublic(key)).slice(0, MAXIMUM_KEYS).map(publicMembers);
  if (keys.length === 0) throw new Error('the key set has no public key');
  return JSON.stringify({ keys });
}

/** The address of the key set in the OpenID configuration `text`. */
export function keySetAddress(text: string): string {
  const document = parse(text);
  const address = typeof document === 'object' && document !== null ? (document as { readonly jwks_uri?: unknown }).jwks_uri : undefined;
  if (typeof address !== 'string' || !/^https?:\/\//.test(address)) throw new Error('the OpenID configuration has no jwks_uri that is an http or https address');
  return address;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('the answer is not JSON', { cause: error });
  }
}

/** Whether a key is public and can be used: a set of others would make Envoy refuse the whole listener. */
function isPublic(key: unknown): key is Readonly<Record<string, unknown>> {
  if (!isUsableKey(key) || (key as { readonly kty: string }).kty === 'oct') return false;
  const members = publicMembers(key as Readonly<Record<string, unknown>>);
  try {
    createPublicKey({ key: { ...members, ...(members['kty'] === 'EC' && !members['crv'] ? { crv: 'P-256' } : {}) }, format: 'jwk' });
    return true;
  } catch {
    return false; // one bad key does not spoil the rest
  }
}

function publicMembers(key: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(MEMBERS.flatMap((member) => (typeof key[member] === 'string' || member === 'key_ops' && Array.isArray(key[member]) ? [[member, key[member]]] : [])));
}
