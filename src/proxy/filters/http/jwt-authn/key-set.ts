// Key sets (RFC 7517) and the check of signatures by them. A key is used only for algorithms of its own type and curve, whatever a token's header asks for
// (RFC 8725 sections 2.1, 3.1 and 3.2); keys that are too short (section 3.5) or not for signatures are left out. One bad key does not spoil the rest, as in Envoy.
import { constants, createHmac, createPublicKey, timingSafeEqual, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { ALGORITHMS, base64url, type Algorithm, type JsonWebToken } from './json-web-token.ts';
import type { JwtStatus } from './status.ts';

/** Checks signatures. */
export interface KeySet {
  /** `ok`, or why no key vouches for the token. */
  verify(token: JsonWebToken): JwtStatus;
}

type Kind = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'oct';
interface VerificationKey { readonly id: string; /** Empty: any that fits the kind. */ readonly algorithm: string; readonly kind: Kind; readonly key: KeyObject | Buffer }
type Jwk = Readonly<Record<string, unknown>>;

const MAXIMUM_BYTES = 1024 * 1024;
const MAXIMUM_KEYS = 200;
const RSA_BITS = { minimum: 2048, maximum: 8192 };
const KINDS: Readonly<Record<Algorithm, Kind>> = {
  RS256: 'RSA', RS384: 'RSA', RS512: 'RSA', PS256: 'RSA', PS384: 'RSA', PS512: 'RSA', ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', HS256: 'oct', HS384: 'oct', HS512: 'oct',
};

/** The key set that `text` writes; null when it has no key that can be used. Symmetric keys are taken from configuration alone, never from the network. */
export function parseKeySet(text: string, symmetric: boolean): KeySet | null {
  const document = parseDocument(text);
  if (!document) return null;
  const list = document['keys'];
  const keys = Array.isArray(list) ? list.slice(0, MAXIMUM_KEYS).map((entry: unknown) => readKey(entry, symmetric)).filter((key) => key !== null) : certificateKeys(document);
  return keys.length > 0 ? { verify: (token) => verifyWith(keys, token) } : null;
}

function parseDocument(text: string): Jwk | null {
  if (text.length > MAXIMUM_BYTES) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Jwk) : null;
  } catch {
    return null;
  }
}

/** Google's other form: certificates by key id. */
function certificateKeys(document: Jwk): VerificationKey[] {
  return Object.entries(document).slice(0, MAXIMUM_KEYS).flatMap(([id, pem]): VerificationKey[] => {
    if (typeof pem !== 'string' || !pem.startsWith('-----BEGIN CERTIFICATE-----')) return [];
    try {
      const key = new X509Certificate(pem).publicKey;
      return key.asymmetricKeyType === 'rsa' && rsaFits(key) ? [{ id, algorithm: '', kind: 'RSA', key }] : [];
    } catch {
      return [];
    }
  });
}

function readKey(value: unknown, symmetric: boolean): VerificationKey | null {
  if (typeof value !== 'object' || value === null) return null;
  const jwk = value as Jwk;
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return null;
  if (Array.isArray(jwk['key_ops']) && !jwk['key_ops'].includes('verify')) return null;
  const read = jwk['kty'] === 'oct' ? (symmetric ? readSymmetric(jwk) : null) : readPublic(jwk);
  if (!read) return null;
  const algorithm = typeof jwk['alg'] === 'string' ? jwk['alg'] : '';
  if (algorithm !== '' && (!isAlgorithm(algorithm) || KINDS[algorithm] !== read.kind)) return null;
  return { id: typeof jwk['kid'] === 'string' ? jwk['kid'] : '', algorithm, ...read };
}

function isAlgorithm(text: string): text is Algorithm {
  return (ALGORITHMS as readonly string[]).includes(text);
}

function readSymmetric(jwk: Jwk): { readonly kind: Kind; readonly key: Buffer } | null {
  const key = typeof jwk['k'] === 'string' ? base64url(jwk['k']) : null;
  return key && key.length > 0 ? { kind: 'oct', key } : null;
}

const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'];

/** The public half alone, even where a whole pair was given. */
function readPublic(jwk: Jwk): { readonly kind: Kind; readonly key: KeyObject } | null {
  // Without curve Envoy takes what the algorithm says, or P-256.
  const curve = jwk['crv'] ?? (jwk['kty'] === 'EC' ? (KINDS[jwk['alg'] as Algorithm] as Kind | undefined) ?? 'P-256' : undefined);
  const members = Object.fromEntries(PUBLIC_MEMBERS.flatMap((name) => (typeof jwk[name] === 'string' ? [[name, jwk[name]]] : [])));
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...members, ...(typeof curve === 'string' ? { crv: curve } : {}) }, format: 'jwk' });
  } catch {
    return null;
  }
  if (key.asymmetricKeyType === 'rsa') return rsaFits(key) ? { kind: 'RSA', key } : null;
  if (key.asymmetricKeyType === 'ed25519') return { kind: 'Ed25519', key };
  return key.asymmetricKeyType === 'ec' && (curve === 'P-256' || curve === 'P-384' || curve === 'P-521') ? { kind: curve, key } : null;
}

function rsaFits(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits >= RSA_BITS.minimum && bits <= RSA_BITS.maximum;
}

/** Keys of the token's id, and those without one; a token without id is tried with all. */
function verifyWith(keys: readonly VerificationKey[], token: JsonWebToken): JwtStatus {
  let matched = false;
  for (const key of keys) {
    if (token.keyId !== '' && key.id !== '' && key.id !== token.keyId) continue;
    if (key.algorithm !== '' && key.algorithm !== token.algorithm) continue;
    matched = true;
    if (KINDS[token.algorithm] !== key.kind) continue;
    if (key.kind === 'Ed25519' && token.signature.length !== 64) return 'signature_wrong_length';
    if (signatureHolds(key, token)) return 'ok';
  }
  return matched ? 'verification_failed' : 'no_matching_key';
}

const CURVE_BYTES: Partial<Readonly<Record<Kind, number>>> = { 'P-256': 64, 'P-384': 96, 'P-521': 132 };

function signatureHolds({ kind, key }: VerificationKey, { algorithm, signed, signature }: JsonWebToken): boolean {
  const data = Buffer.from(signed, 'latin1');
  const hash = `sha${algorithm.slice(2)}`;
  if (Buffer.isBuffer(key)) return hmacHolds(key, hash, data, signature);
  try {
    if (kind === 'Ed25519') return verify(null, data, key, signature);
    if (kind !== 'RSA') return signature.length === CURVE_BYTES[kind] && verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    if (algorithm.startsWith('RS')) return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
  } catch {
    return false; // a signature in a form that the library does not take is no signature
  }
}

/** A key shorter than the hash may be guessed from one token (RFC 7518 section 3.2). */
function hmacHolds(key: Buffer, hash: string, data: Buffer, signature: Buffer): boolean {
  const expected = createHmac(hash, key).update(data).digest();
  return key.length >= expected.length && expected.length === signature.length && timingSafeEqual(expected, signature);
}
