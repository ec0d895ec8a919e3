// The public key infrastructure of a cluster: one authority, certificates for servers and for clients, and the key that signs service account tokens.
// x509 finds its parts through decorators, which need this loaded first.
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, PemConverter, SubjectAlternativeNameExtension,
  X509CertificateGenerator, type JsonName, type X509Certificate,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const LIFETIME_MILLISECONDS = 365 * 24 * 3_600_000;
/** Two machines' clocks differ; a container's may start behind. */
const CLOCK_SKEW_MILLISECONDS = 5 * 60_000;

/** Files of a certificate and its key, as PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate says. Kubernetes takes the common name for the user, organizations for groups. */
export interface CertificateSubject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** DNS names and addresses of a server; a certificate without them is a client's. */
  readonly hosts?: readonly string[];
}

/** The authority of a cluster; it writes what it issues into its folder. */
export class ClusterAuthority {
  readonly files: CertificateFiles;
  /** The authority's certificate as PEM. */
  readonly pem: string;
  readonly #folder: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(folder: string, files: CertificateFiles, certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#folder = folder;
    this.files = files;
    this.#certificate = certificate;
    this.#keys = keys;
    this.pem = certificate.toString('pem');
  }

  /** Makes an authority that keeps its files in `folder`. */
  static async create(folder: string): Promise<ClusterAuthority> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      ...validity(), name: [{ CN: ['kubernetes-ca'] }], keys, signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true)],
    });
    return new ClusterAuthority(folder, await writeCertificate(folder, 'ca', certificate, keys.privateKey), certificate, keys);
  }

  /** Issues a certificate with a key of its own. */
  async issue(name: string, subject: CertificateSubject): Promise<CertificateFiles> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const names = (subject.hosts ?? []).map((host) => ({ type: isIP(host) === 0 ? 'dns' as const : 'ip' as const, value: host }));
    const words: JsonName = [...(subject.organizations ?? []).map((organization) => ({ O: [organization] })), { CN: [subject.commonName] }];
    const certificate = await X509CertificateGenerator.create({
      ...validity(), subject: words, issuer: this.#certificate.subject, signingKey: this.#keys.privateKey, publicKey: keys.publicKey, signingAlgorithm: ALGORITHM,
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([names.length > 0 ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    return writeCertificate(this.#folder, name, certificate, keys.privateKey);
  }
}

/** Makes the key pair that signs and checks service account tokens. */
export function createServiceAccountKeys(folder: string): { readonly publicKey: string; readonly privateKey: string } {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const files = { publicKey: join(folder, 'service-accounts.pub'), privateKey: join(folder, 'service-accounts.key') };
  writeFileSync(files.publicKey, pair.publicKey);
  writeFileSync(files.privateKey, pair.privateKey, { mode: 0o600 });
  return files;
}

function validity(): { readonly serialNumber: string; readonly notBefore: Date; readonly notAfter: Date } {
  // The first bit stays clear: a serial number is positive.
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f | 0x40;
  return { serialNumber: serial.toString('hex'), notBefore: new Date(Date.now() - CLOCK_SKEW_MILLISECONDS), notAfter: new Date(Date.now() + LIFETIME_MILLISECONDS) };
}

async function writeCertificate(folder: string, name: string, certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<CertificateFiles> {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(files.certificate, `${certificate.toString('pem')}\n`);
  writeFileSync(files.key, `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`, { mode: 0o600 });
  return files;
}
