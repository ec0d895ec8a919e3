// A certificate authority: self-signed, or loaded from a secret with the chain above it. Signs workload and server certificates.
import { createPublicKey, randomBytes, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, PublicKey,
  SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator,
} from './x509.ts';
import type { Secret } from '../lib/index.ts';
import { parseCertificates } from './certificates.ts';
import { KeyPair, signingAlgorithm, type KeyAlgorithm } from './keys.ts';

/** What to certify. */
export interface IssueOptions {
  /** SubjectPublicKeyInfo: PEM or DER. */
  readonly publicKey: string | Uint8Array;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly commonName?: string;
  readonly lifetimeMilliseconds: number;
}

/** A certificate with its key and the chain up to, but without, the root. */
export interface IssuedCertificate {
  /** Leaf first, then intermediates. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: Secret;
}

/** Clocks of machines differ: a certificate is valid from a little before it was made. */
const CLOCK_SKEW_MILLISECONDS = 2 * 60_000;
const TEN_YEARS_MILLISECONDS = 10 * 365 * 24 * 3_600_000;

/** Signs certificates with one key. */
export class CertificateAuthority {
  /** The authority's own certificate. */
  readonly certificatePem: string;
  /** Certificates between a leaf and the root, this authority's own first; empty when it is the root itself. */
  readonly intermediatesPem: string;
  /** The root that verifiers must trust. */
  readonly rootPem: string;
  readonly privateKeyPem: Secret;
  readonly #key: KeyPair;
  readonly #certificate: X509Certificate;

  private constructor(certificatePem: string, key: KeyPair, chainPem: string, rootPem: string) {
    this.#key = key;
    this.#certificate = new X509Certificate(certificatePem);
    this.certificatePem = certificatePem;
    this.privateKeyPem = key.privateKeyPem;
    this.rootPem = rootPem;
    this.intermediatesPem = sameCertificate(certificatePem, rootPem) ? '' : chainPem;
  }

  /** Makes a new root with a key of its own. */
  static async createSelfSigned(options: { readonly organization?: string; readonly commonName?: string; readonly lifetimeMilliseconds?: number; readonly algorithm?: KeyAlgorithm } = {}): Promise<CertificateAuthority> {
    const key = await KeyPair.generate(options.algorithm ?? 'EC_P256');
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ O: [options.organization ?? 'cluster.local'] }, ...(options.commonName ? [{ CN: [options.commonName] }] : [])],
      ...validity(options.lifetimeMilliseconds ?? TEN_YEARS_MILLISECONDS),
      keys: key.cryptoKeys,
      signingAlgorithm: signingAlgorithm(key.algorithm),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(key.cryptoKeys.publicKey, false),
      ],
    });
    const pem = `${certificate.toString('pem')}\n`;
    return new CertificateAuthority(pem, key, pem, pem);
  }

  /** Loads an authority; `rootPem` and `chainPem` (own certificate first) are given when it is an intermediate. Throws when key and certificate do not belong together or it may not sign. */
  static async load(certificatePem: string, privateKeyPem: string, options: { readonly chainPem?: string; readonly rootPem?: string } = {}): Promise<CertificateAuthority> {
    const key = await KeyPair.fromPem(privateKeyPem);
    const [own] = parseCertificates(certificatePem);
    if (!own?.isAuthority) throw new Error('the certificate of the authority may not sign others (basic constraint CA is missing)');
    if (new NodeCertificate(own.pem).publicKey.export({ type: 'spki', format: 'pem' }) !== createPublicKey(key.publicKeyPem).export({ type: 'spki', format: 'pem' })) {
      throw new Error('the private key of the authority does not belong to its certificate');
    }
    return new CertificateAuthority(own.pem, key, options.chainPem || own.pem, options.rootPem || own.pem);
  }

  /** Makes an authority below this one. */
  async createIntermediate(options: { readonly commonName?: string; readonly lifetimeMilliseconds: number }): Promise<CertificateAuthority> {
    const key = await KeyPair.generate(this.#key.algorithm);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(), subject: [{ O: ['cluster.local'] }, { CN: [options.commonName ?? 'Intermediate CA'] }], issuer: this.#certificate.subjectName,
      ...validity(options.lifetimeMilliseconds), publicKey: key.cryptoKeys.publicKey, signingKey: this.#key.cryptoKeys.privateKey, signingAlgorithm: signingAlgorithm(this.#key.algorithm),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(key.cryptoKeys.publicKey, false),
        await AuthorityKeyIdentifierExtension.create(this.#certificate, false),
      ],
    });
    const pem = `${certificate.toString('pem')}\n`;
    return new CertificateAuthority(pem, key, pem + this.intermediatesPem, this.rootPem);
  }

  /** Certifies a public key for servers and clients alike; gives the chain in PEM, leaf first, without the root. */
  async issue(options: IssueOptions): Promise<string> {
    const publicKey = new PublicKey(typeof options.publicKey === 'string' ? options.publicKey : Uint8Array.from(options.publicKey));
    const names = [
      ...(options.uris ?? []).map((value) => ({ type: 'url' as const, value })),
      ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(options.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ];
    if (names.length === 0) throw new Error('a certificate needs at least one alternative name');
    const { notBefore, notAfter } = validity(options.lifetimeMilliseconds);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: options.commonName ? [{ CN: [options.commonName] }] : '',
      issuer: this.#certificate.subjectName,
      notBefore, notAfter: notAfter < this.#certificate.notAfter ? notAfter : this.#certificate.notAfter,
      publicKey, signingKey: this.#key.cryptoKeys.privateKey, signingAlgorithm: signingAlgorithm(this.#key.algorithm),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        // RFC 5280 4.2.1.6: critical when the subject is empty.
        new SubjectAlternativeNameExtension(names, !options.commonName),
        await AuthorityKeyIdentifierExtension.create(this.#certificate, false),
      ],
    });
    return `${certificate.toString('pem')}\n${this.intermediatesPem}`;
  }

  /** Makes a key and certifies it: for a server's own certificate. */
  async issueWithNewKey(options: Omit<IssueOptions, 'publicKey'> & { readonly algorithm?: KeyAlgorithm }): Promise<IssuedCertificate> {
    const key = await KeyPair.generate(options.algorithm ?? 'EC_P256');
    return { certificateChainPem: await this.issue({ ...options, publicKey: key.publicKeyPem }), privateKeyPem: key.privateKeyPem };
  }
}

function validity(lifetimeMilliseconds: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - CLOCK_SKEW_MILLISECONDS), notAfter: new Date(now + lifetimeMilliseconds) };
}

/** 128 random bits, positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

function sameCertificate(left: string, right: string): boolean {
  return parseCertificates(left)[0]?.fingerprint === parseCertificates(right)[0]?.fingerprint;
}
