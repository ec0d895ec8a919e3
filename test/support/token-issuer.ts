// Issuers of signed tokens for tests: a fresh key pair of an algorithm, its public half as a key set, and tokens signed with it, good or spoilt on purpose.
import { constants, createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** Algorithms that issuers sign with. */
export type TokenAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'HS256' | 'HS384' | 'HS512';

/** Signs tokens. */
export interface TokenIssuer {
  /** The public key as a JWK, with `kid` and `alg`. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** A key set of this key alone. */
  readonly jwks: string;
  /** A token with `claims`; `header` is added to `alg` and `kid`. */
  token(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
}

const CURVES: Partial<Readonly<Record<TokenAlgorithm, string>>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** An issuer with a key of its own. */
export function tokenIssuer(algorithm: TokenAlgorithm = 'RS256', kid = `key-${algorithm}`, bits = 2048): TokenIssuer {
  const secret = randomBytes(64);
  const pair = algorithm.startsWith('HS') ? null : keyPair(algorithm, bits);
  const jwk = { ...(pair ? pair.publicKey.export({ format: 'jwk' }) : { kty: 'oct', k: secret.toString('base64url') }), kid, alg: algorithm };
  return {
    jwk, jwks: JSON.stringify({ keys: [jwk] }),
    token(claims, header = {}) {
      const signed = `${part({ alg: algorithm, kid, typ: 'JWT', ...header })}.${part(claims)}`;
      return `${signed}.${signatureOf(algorithm, signed, pair?.privateKey ?? secret).toString('base64url')}`;
    },
  };
}

/** A part of a token. */
export function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function keyPair(algorithm: TokenAlgorithm, bits: number): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  const namedCurve = CURVES[algorithm];
  return namedCurve ? generateKeyPairSync('ec', { namedCurve }) : generateKeyPairSync('rsa', { modulusLength: bits });
}

function signatureOf(algorithm: TokenAlgorithm, signed: string, key: KeyObject | Buffer): Buffer {
  const data = Buffer.from(signed);
  const hash = `sha${algorithm.slice(2)}`;
  if (Buffer.isBuffer(key)) return createHmac(hash, key).update(data).digest();
  if (algorithm === 'EdDSA') return sign(null, data, key);
  if (algorithm.startsWith('ES')) return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  return sign(hash, data, algorithm.startsWith('PS') ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : { key });
}
