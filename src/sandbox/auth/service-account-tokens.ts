// ServiceAccount tokens: JWTs signed by the cluster's own key, bound to an audience, a time and, when asked, a pod.
import { createPrivateKey, createPublicKey, createSign, createVerify, generateKeyPairSync, randomUUID, createHash, type KeyObject } from 'node:crypto';

/** What a token is issued for. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
}

/** The claims of a token that is valid. */
export interface VerifiedToken extends TokenSubject {
  readonly audiences: readonly string[];
  readonly id: string;
}

interface Claims {
  readonly iss?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly jti?: string;
  readonly 'kubernetes.io'?: { namespace?: string; serviceaccount?: { name?: string; uid?: string }; pod?: { name: string; uid: string }; secret?: { name: string; uid: string }; node?: { name: string; uid: string } };
}

/** Issues and checks tokens with one RS256 key. */
export class ServiceAccountTokens {
  readonly issuer: string;
  readonly defaultAudience: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;

  constructor(issuer: string, savedKey?: string) {
    this.issuer = issuer;
    this.defaultAudience = issuer;
    this.#privateKey = savedKey === undefined ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : createPrivateKey(savedKey);
    this.#publicKey = createPublicKey(this.#privateKey);
    this.#keyId = createHash('sha256').update(this.#publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');
  }

  /** The private key as PEM, to be saved. */
  exportKey(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** The public key as a JSON Web Key Set. */
  keySet(): { keys: object[] } {
    return { keys: [{ ...this.#publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: this.#keyId }] };
  }

  /** A token for `subject`, valid for `seconds` from now. */
  issue(subject: TokenSubject, audiences: readonly string[], seconds: number): { token: string; expires: Date } {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      aud: audiences.length > 0 ? audiences : [this.defaultAudience],
      exp: now + seconds,
      iat: now,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace: subject.namespace,
        ...(subject.node ? { node: subject.node } : {}),
        ...(subject.pod ? { pod: subject.pod } : {}),
        ...(subject.secret ? { secret: subject.secret } : {}),
        serviceaccount: subject.serviceAccount,
      },
      nbf: now,
      sub: `system:serviceaccount:${subject.namespace}:${subject.serviceAccount.name}`,
    };
    const signed = `${encode({ alg: 'RS256', kid: this.#keyId })}.${encode(claims)}`;
    return { token: `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#privateKey, 'base64url')}`, expires: new Date((now + seconds) * 1000) };
  }

  /** The claims of `token`, or undefined when it is not ours, not valid now, or malformed. */
  verify(token: string): VerifiedToken | undefined {
    const parts = token.split('.');
    const [header = '', payload = '', signature = ''] = parts;
    if (parts.length !== 3 || decode<{ alg?: string }>(header)?.alg !== 'RS256') return undefined;
    if (!createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(this.#publicKey, signature, 'base64url')) return undefined;
    const claims = decode<Claims>(payload);
    return claims && this.#isCurrent(claims) ? readClaims(claims) : undefined;
  }

  #isCurrent(claims: Claims): boolean {
    const now = Date.now() / 1000;
    return claims.iss === this.issuer && claims.exp !== undefined && claims.exp > now && (claims.nbf ?? 0) <= now + 10;
  }
}

function readClaims(claims: Claims): VerifiedToken | undefined {
  const bound = claims['kubernetes.io'];
  const { name, uid } = bound?.serviceaccount ?? {};
  if (bound?.namespace === undefined || name === undefined || uid === undefined) return undefined;
  return {
    namespace: bound.namespace,
    serviceAccount: { name, uid },
    ...(bound.pod ? { pod: bound.pod } : {}),
    ...(bound.secret ? { secret: bound.secret } : {}),
    ...(bound.node ? { node: bound.node } : {}),
    audiences: typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []),
    id: claims.jti ?? '',
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode<T>(text: string): T | undefined {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as T;
  } catch {
    return undefined; // Not JSON: such a token is simply not valid.
  }
}
