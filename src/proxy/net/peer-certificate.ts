// Reads names from certificates and checks them against what a configuration demands.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { hasOneIdentity, parseAlternativeNames, type AlternativeNames } from '../../shared/pki/index.ts';
import type { ValidationConfig } from '../config/runtime-config.ts';
import type { TlsInfo } from '../stream/stream-info.ts';
import { compileStringMatcher, type StringMatcher } from '../stream/string-matcher.ts';

const FIELDS = { uri: 'uris', dns: 'dnsNames', email: 'emails', ip: 'ipAddresses' } as const satisfies Readonly<Record<string, keyof AlternativeNames>>;

/** Tests a certificate's names; the one that is returned says what is wrong, or is empty. */
export type NameCheck = (names: AlternativeNames) => string;

/** Compiles the name rules of `validation`: one of them must hold. */
export function compileNameCheck(validation: ValidationConfig | null): NameCheck {
  const rules = (validation?.subjectAltNames ?? []).map(({ type, match }) => ({ type, matches: compileStringMatcher(match) }));
  return (names) => {
    if (!hasOneIdentity(names)) return 'more_than_one_uri_subject_alt_name';
    return rules.length === 0 || rules.some(({ type, matches }) => ruleHolds(names, type, matches)) ? '' : 'subject_alt_name_mismatch';
  };
}

function ruleHolds(names: AlternativeNames, type: keyof typeof FIELDS | 'any', matches: StringMatcher): boolean {
  if (type !== 'any') return names[FIELDS[type]].some(matches);
  return Object.values(FIELDS).some((field) => names[field].some(matches));
}

const peerCertificates = new WeakMap<TLSSocket, X509Certificate | undefined>();

/** The peer's certificate. Asked of the socket once: Node takes a server's certificate out of the chain that it keeps, and a second question is answered with the next one or none. */
export function peerCertificateOf(socket: TLSSocket): X509Certificate | undefined {
  if (!peerCertificates.has(socket)) peerCertificates.set(socket, socket.getPeerX509Certificate());
  return peerCertificates.get(socket);
}

/** What is known of a finished handshake. */
export function describeTls(socket: TLSSocket, sni: string, verified: boolean, localUri: string): TlsInfo {
  const certificate = peerCertificateOf(socket);
  const names = parseAlternativeNames(certificate?.subjectAltName);
  return {
    version: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName, sni, alpn: socket.alpnProtocol || '',
    peerVerified: certificate !== undefined && verified,
    peerUri: names.uris[0] ?? '', peerUris: names.uris, peerDnsNames: names.dnsNames,
    peerSubject: subjectOf(certificate), peerFingerprint: (certificate?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase(),
    peerCertificatePem: certificate?.toString() ?? '', localUri,
  };
}

/** The subject in the order RFC 2253 writes it. */
function subjectOf(certificate: X509Certificate | undefined): string {
  return (certificate?.subject ?? '').split('\n').filter((part) => part !== '').reverse().join(',');
}
