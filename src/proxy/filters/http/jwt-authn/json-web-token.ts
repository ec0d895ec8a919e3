// Parses signed tokens in their compact form (RFC 7519, RFC 7515) without believing them. Strict where Envoy's parser is lax: padding, bits that base64url leaves
// over, and critical extensions (RFC 7515 section 4.1.11) are refused. No algorithm is taken that is not listed; `none` is not.
import type { JwtStatus } from './status.ts';

/** What a token says. Times are seconds since 1970; 0 for none. */
export interface JsonWebToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The payload as it was written. */
  readonly payloadText: string;
  /** What the signature is over. */
  readonly signed: string;
  readonly signature: Buffer;
  readonly algorithm: Algorithm;
  readonly keyId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly notBefore: number;
  readonly expires: number;
}

/** Signature algorithms of RFC 7518 and RFC 8037 that are taken. */
export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'HS384', 'HS512'] as const;
/** One of them. */
export type Algorithm = (typeof ALGORITHMS)[number];

const MAXIMUM_TOKEN_LENGTH = 32 * 1024;
const MAXIMUM_INTEGER = 2 ** 64;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The token that `text` writes, or what is wrong with it. */
export function parseToken(text: string): JsonWebToken | JwtStatus {
  const parts = text.length > MAXIMUM_TOKEN_LENGTH ? [] : text.split('.');
  const [headerText = '', payloadText = '', signatureText = ''] = parts;
  if (parts.length !== 3 || headerText === '' || payloadText === '' || signatureText === '') return 'bad_format';
  const header = parseObject(headerText, 'header_bad_base64', 'header_bad_json');
  if (typeof header === 'string') return header;
  const wrongHeader = checkHeader(header);
  if (wrongHeader) return wrongHeader;
  const payload = parseObject(payloadText, 'payload_bad_base64', 'payload_bad_json');
  if (typeof payload === 'string') return payload;
  const wrongPayload = checkPayload(payload);
  if (wrongPayload) return wrongPayload;
  const signature = base64url(signatureText);
  if (!signature) return 'signature_bad_base64';
  const { aud } = payload;
  return {
    header, payload, payloadText, signed: `${headerText}.${payloadText}`, signature,
    algorithm: header['alg'] as Algorithm, keyId: textOf(header['kid']), issuer: textOf(payload['iss']), subject: textOf(payload['sub']),
    audiences: typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.map(String) : [],
    notBefore: secondsOf(payload['nbf']), expires: secondsOf(payload['exp']),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function secondsOf(value: unknown): number {
  return typeof value === 'number' ? Math.trunc(value) : 0;
}

/** Bytes in base64url as RFC 7515 section 2 writes it: no padding, nothing else between, one form only. */
export function base64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

function parseObject(text: string, badBase64: JwtStatus, badJson: JwtStatus): Readonly<Record<string, unknown>> | JwtStatus {
  const bytes = base64url(text);
  if (!bytes) return badBase64;
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch {
    return badJson;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : badJson;
}

function checkHeader(header: Readonly<Record<string, unknown>>): JwtStatus | null {
  const algorithm = header['alg'];
  if (typeof algorithm !== 'string') return 'header_bad_algorithm';
  if (!(ALGORITHMS as readonly string[]).includes(algorithm)) return 'header_unknown_algorithm';
  if ('kid' in header && typeof header['kid'] !== 'string') return 'header_bad_key_id';
  return 'crit' in header ? 'header_critical' : null;
}

function checkPayload(payload: Readonly<Record<string, unknown>>): JwtStatus | null {
  for (const claim of ['iss', 'sub'] as const) if (claim in payload && typeof payload[claim] !== 'string') return `${claim}_no_string`;
  for (const claim of ['iat', 'nbf', 'exp'] as const) {
    if (!(claim in payload)) continue;
    const value = payload[claim];
    if (typeof value !== 'number') return `${claim}_no_integer`;
    if (value < 0 || value >= MAXIMUM_INTEGER) return `${claim}_out_of_range`;
  }
  if ('jti' in payload && typeof payload['jti'] !== 'string') return 'jti_no_string';
  const { aud } = payload;
  const fits = aud === undefined || typeof aud === 'string' || (Array.isArray(aud) && aud.every((entry) => typeof entry === 'string'));
  return fits ? null : 'aud_no_string';
}
