// Reads X.509 certificates (RFC 5280) as far as a mesh needs: names, dates, alternative names, chains.
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { toPem } from './keys.ts';
import { parseAlternativeNames } from './peer-names.ts';

/** What a certificate says. */
export interface CertificateInfo {
  readonly pem: string;
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isAuthority: boolean;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SHA-256 over the DER form, lower-case hexadecimal. */
  readonly fingerprint: string;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of a PEM text, in order; throws when one cannot be read or there is none. */
export function parseCertificates(pem: string): CertificateInfo[] {
  const blocks = pem.match(BLOCK);
  if (!blocks) throw new Error('no certificate found in the PEM text');
  return blocks.map((block) => describeCertificate(new NodeCertificate(block)));
}

/** The one certificate of a DER form. */
export function parseCertificateDer(der: Uint8Array): CertificateInfo {
  return describeCertificate(new NodeCertificate(der));
}

/** Whether each certificate of a chain (leaf first) is signed by the next, and the last by one of `roots` or is one of them; valid at `now`. */
export function verifyChain(chain: readonly CertificateInfo[], roots: readonly CertificateInfo[], now: Date = new Date()): boolean {
  if (chain.some((certificate) => now < certificate.notBefore || now > certificate.notAfter)) return false;
  const parsed = chain.map(({ pem }) => new NodeCertificate(pem));
  for (const [index, certificate] of parsed.entries()) {
    const next = parsed[index + 1];
    if (next) {
      if (!isIssuedBy(certificate, next)) return false;
      continue;
    }
    return roots.some((root) => root.fingerprint === chain[index]?.fingerprint || isIssuedBy(certificate, new NodeCertificate(root.pem)));
  }
  return false;
}

function isIssuedBy(certificate: NodeCertificate, issuer: NodeCertificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function describeCertificate(certificate: NodeCertificate): CertificateInfo {
  const { uris, dnsNames, ipAddresses } = parseAlternativeNames(certificate.subjectAltName);
  return {
    pem: toPem('CERTIFICATE', certificate.raw),
    subject: nameLine(certificate.subject),
    issuer: nameLine(certificate.issuer),
    serialNumber: certificate.serialNumber.toLowerCase(),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    isAuthority: certificate.ca,
    uris, dnsNames, ipAddresses,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** Node tells one attribute a line; an empty name is undefined, whatever its type says. */
function nameLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
