// The cluster's certificate authority: signs the API server's serving certificate and users' client certificates.
import { webcrypto, X509Certificate } from 'node:crypto';
// The library's dependency injection needs the reflection polyfill loaded first.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR = 365 * 24 * 3600 * 1000;

/** A certificate and its private key, both PEM. */
export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate is for. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly usage: 'server' | 'client';
}

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

/** Signs certificates of one cluster. */
export class CertificateAuthority {
  readonly certificatePem: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.certificatePem = `${certificate.toString('pem')}\n`;
  }

  /** A new authority, or the one that was saved earlier. */
  static async open(saved?: KeyPairPem): Promise<CertificateAuthority> {
    if (saved) return new CertificateAuthority(await importKeys(saved), new x509.X509Certificate(saved.certificate));
    const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: 'CN=mizzen-sandbox-ca',
      notBefore: new Date(Date.now() - 3600_000),
      notAfter: new Date(Date.now() + 10 * YEAR),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(keys, certificate);
  }

  /** The authority itself, to be saved. */
  async export(): Promise<KeyPairPem> {
    return { certificate: this.certificatePem, key: await exportKey(this.#keys.privateKey) };
  }

  /** A fresh key with a certificate for it. */
  async issue(request: CertificateRequest): Promise<KeyPairPem> {
    const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: subjectOf(request),
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() - 3600_000),
      notAfter: new Date(Date.now() + YEAR),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([request.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth]),
        ...alternativeNames(request),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
  }
}

/** The user that a client certificate names: common name, and organizations as groups. */
export function userOfCertificate(raw: Uint8Array): { name: string; groups: string[] } {
  const lines = new X509Certificate(raw).subject.split('\n').map((line) => line.split('=', 2));
  const values = (key: string): string[] => lines.filter(([name]) => name === key).map(([, value = '']) => value);
  return { name: values('CN')[0] ?? '', groups: values('O') };
}

function subjectOf({ commonName, organizations = [] }: CertificateRequest): x509.JsonName {
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
}

function alternativeNames({ dnsNames = [], addresses = [] }: CertificateRequest): x509.Extension[] {
  const names = [...dnsNames.map((value) => ({ type: 'dns' as const, value })), ...addresses.map((value) => ({ type: 'ip' as const, value }))];
  return names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [];
}

/** Positive and not too long: the first bit stays clear. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return `-----BEGIN PRIVATE KEY-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function importKeys(saved: KeyPairPem): Promise<webcrypto.CryptoKeyPair> {
  const der = Buffer.from(saved.key.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
  const publicKey = await new x509.X509Certificate(saved.certificate).publicKey.export(ALGORITHM, ['verify'], webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  return { privateKey, publicKey };
}
