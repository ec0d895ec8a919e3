// Private keys: made, read from PEM and handed to TLS. EC P-256 as Istio's proxies use, RSA 2048 for those who must.
import { webcrypto } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Secret } from '../lib/index.ts';

/** The kinds of key that we make. */
export type KeyAlgorithm = 'EC_P256' | 'RSA_2048';

const parameters = {
  EC_P256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RSA_2048: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
} as const;

/** A private key with its public half. */
export class KeyPair {
  readonly algorithm: KeyAlgorithm;
  /** PKCS #8 PEM. */
  readonly privateKeyPem: Secret;
  /** SubjectPublicKeyInfo PEM. */
  readonly publicKeyPem: string;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(algorithm: KeyAlgorithm, keys: webcrypto.CryptoKeyPair, privateKeyPem: string, publicKeyPem: string) {
    this.algorithm = algorithm;
    this.#keys = keys;
    this.privateKeyPem = new Secret(privateKeyPem);
    this.publicKeyPem = publicKeyPem;
  }

  /** Makes a new key. */
  static async generate(algorithm: KeyAlgorithm = 'EC_P256'): Promise<KeyPair> {
    const keys = (await webcrypto.subtle.generateKey(parameters[algorithm], true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey));
    return new KeyPair(algorithm, keys, toPem('PRIVATE KEY', pkcs8), toPem('PUBLIC KEY', spki));
  }

  /** Reads a private key from PEM: PKCS #8, PKCS #1 or SEC 1. Throws when it is none of our kinds. */
  static async fromPem(pem: string): Promise<KeyPair> {
    const privateKey = createPrivateKey(pem);
    const algorithm = algorithmOf(privateKey.asymmetricKeyType, privateKey.asymmetricKeyDetails?.namedCurve);
    const { name, hash } = parameters[algorithm];
    const imported = algorithm === 'EC_P256' ? { name, namedCurve: 'P-256' } : { name, hash };
    const publicKey = createPublicKey(privateKey);
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const keys = {
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, imported, true, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, imported, true, ['verify']),
    };
    return new KeyPair(algorithm, keys, toPem('PRIVATE KEY', pkcs8), toPem('PUBLIC KEY', spki));
  }

  /** The keys in the form that signing takes; for this folder alone. */
  get cryptoKeys(): webcrypto.CryptoKeyPair {
    return this.#keys;
  }
}

/** Parameters of a signature made with a key. */
export function signingAlgorithm(algorithm: KeyAlgorithm): { readonly name: string; readonly hash: string } {
  return { name: parameters[algorithm].name, hash: 'SHA-256' };
}

/** Bytes as a PEM block. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function algorithmOf(type: string | undefined, curve: string | undefined): KeyAlgorithm {
  if (type === 'rsa') return 'RSA_2048';
  if (type === 'ec' && curve === 'prime256v1') return 'EC_P256';
  throw new Error(`a private key of type ${type ?? 'unknown'}${curve ? ` on curve ${curve}` : ''} is not supported; use EC P-256 or RSA`);
}
