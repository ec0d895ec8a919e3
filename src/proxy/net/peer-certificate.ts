// Reads names from certificates and checks them against what a configuration demands.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ValidationConfig } from '../config/runtime-config.ts';
import type { TlsInfo } from '../stream/stream-info.ts';
import { compileStringMatcher, type StringMatcher } from '../stream/string-matcher.ts';

/** Subject alternative names by type. */
export interface AlternativeNames {
  readonly uri: readonly string[];
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly ip: readonly string[];
}

const TYPES: Readonly<Record<string, keyof AlternativeNames>> = { 'URI': 'uri', 'DNS': 'dns', 'email': 'email', 'IP Address': 'ip' };

/** The names in `text`, which is Node's form: `URI:spiffe://..., DNS:"quoted when odd"`. */
export function parseAlternativeNames(text: string | undefined): AlternativeNames {
  const names = { uri: [] as string[], dns: [] as string[], email: [] as string[], ip: [] as string[] };
  for (const match of (text ?? '').matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    const type = TYPES[(match[1] ?? '').trim()];
    const value = match[2] ?? '';
    if (type) names[type].push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return names;
}

/** Tests a certificate's names; the one that is returned says what is wrong, or is empty. */
export type NameCheck = (names: AlternativeNames) => string;

/** Compiles the name rules of `validation`: one of them must hold. */
export function compileNameCheck(validation: ValidationConfig | null): NameCheck {
  const rules = (validation?.subjectAltNames ?? []).map(({ type, match }) => ({ type, matches: compileStringMatcher(match) }));
  if (rules.length === 0) return () => '';
  return (names) => (rules.some(({ type, matches }) => ruleHolds(names, type, matches)) ? '' : 'subject_alt_name_mismatch');
}

function ruleHolds(names: AlternativeNames, type: keyof AlternativeNames | 'any', matches: StringMatcher): boolean {
  if (type !== 'any') return names[type].some(matches);
  return names.uri.some(matches) || names.dns.some(matches) || names.email.some(matches) || names.ip.some(matches);
}

/** What is known of a finished handshake. */
export function describeTls(socket: TLSSocket, sni: string, verified: boolean, localUri: string): TlsInfo {
  const certificate = socket.getPeerX509Certificate();
  const names = parseAlternativeNames(certificate?.subjectAltName);
  return {
    version: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName, sni, alpn: socket.alpnProtocol || '',
    peerVerified: certificate !== undefined && verified,
    peerUri: names.uri[0] ?? '', peerUris: names.uri, peerDnsNames: names.dns,
    peerSubject: subjectOf(certificate), peerFingerprint: (certificate?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase(),
    peerCertificatePem: certificate?.toString() ?? '', localUri,
  };
}

/** The subject in the order RFC 2253 writes it. */
function subjectOf(certificate: X509Certificate | undefined): string {
  return (certificate?.subject ?? '').split('\n').filter((part) => part !== '').reverse().join(',');
}
