// Tokens and key sets: the examples of RFC 7515, every algorithm, and the attacks of RFC 8725.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { part, tokenIssuer, type TokenAlgorithm } from '../../../../../test/support/token-issuer.ts';
import { ALGORITHMS, parseToken } from './json-web-token.ts';
import { parseKeySet } from './key-set.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** What a key set says of a token. */
function judge(jwks: string, token: string, symmetric = true): string {
  const parsed = parseToken(token);
  if (typeof parsed === 'string') return parsed;
  return parseKeySet(jwks, symmetric)?.verify(parsed) ?? 'no_valid_keys';
}
const keys = (...list: object[]): string => JSON.stringify({ keys: list });
const CLAIMS = { iss: 'joe', sub: 'me', exp: 1_300_819_380 };
const JOE = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

describe('examples of RFC 7515', () => {
  it('A.1, HS256', () => {
    const key = { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' };
    const token = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;
    expect(judge(keys(key), token)).toBe('ok');
    expect(judge(keys(key), token, false)).toBe('no_valid_keys');
    expect(parseToken(token)).toMatchObject({ issuer: 'joe', expires: 1_300_819_380, payload: { 'http://example.com/is_root': true } });
  });
  it('A.3, ES256', () => {
    const key = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' };
    expect(judge(keys(key), `eyJhbGciOiJFUzI1NiJ9.${JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`)).toBe('ok');
  });
});

const issuers = new Map(ALGORITHMS.map((algorithm) => [algorithm, tokenIssuer(algorithm as TokenAlgorithm)]));

describe('signatures', () => {
  it.each(ALGORITHMS)('%s holds for its own key and for no other, nor for changed bytes', (algorithm) => {
    const issuer = issuers.get(algorithm);
    const token = issuer?.token(CLAIMS) ?? '';
    expect(judge(issuer?.jwks ?? '', token)).toBe('ok');
    expect(judge(tokenIssuer(algorithm as TokenAlgorithm).jwks, token)).toBe('verification_failed');
    const [header = '', , signature = ''] = token.split('.');
    expect(judge(issuer?.jwks ?? '', `${header}.${part({ ...CLAIMS, sub: 'admin' })}.${signature}`)).toBe('verification_failed');
    const cut = Buffer.from(signature, 'base64url').subarray(1).toString('base64url');
    expect(judge(issuer?.jwks ?? '', `${header}.${part(CLAIMS)}.${cut}`)).toBe(algorithm === 'EdDSA' ? 'signature_wrong_length' : 'verification_failed');
  });

  it('keys of another kind are never used, whatever the header asks for', () => {
    for (const issuer of issuers.values()) {
      const { alg: _alg, kid: _kid, ...bare } = issuer.jwk;
      for (const [algorithm, other] of issuers) if (algorithm !== issuer.jwk['alg']) expect(judge(keys(bare), other.token(CLAIMS, { kid: '' }))).not.toBe('ok');
    }
  });

  it('a public key is no secret of an HMAC', () => {
    const rsa = issuers.get('RS256');
    const signed = `${part({ alg: 'HS256' })}.${part(CLAIMS)}`;
    for (const secret of [rsa?.jwks ?? '', String(rsa?.jwk['n']), JSON.stringify(rsa?.jwk)]) {
      const { alg: _alg, ...bare } = rsa?.jwk ?? {};
      expect(judge(keys(bare), `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)).toBe('verification_failed');
    }
  });

  it('key ids and algorithms choose keys', () => {
    const first = tokenIssuer('ES256', 'one');
    const second = tokenIssuer('ES256', 'two');
    const both = keys(first.jwk, second.jwk);
    expect([judge(both, first.token(CLAIMS)), judge(both, second.token(CLAIMS)), judge(both, first.token(CLAIMS, { kid: 'two' })), judge(both, first.token(CLAIMS, { kid: 'three' }))]).toEqual(['ok', 'ok', 'verification_failed', 'no_matching_key']);
    expect(judge(both, second.token(CLAIMS, { kid: '' }))).toBe('ok');
    expect(judge(keys({ ...first.jwk, alg: 'ES384' }, second.jwk), first.token(CLAIMS))).toBe('no_matching_key');
  });

  it.each<[string, object, string]>([
    ['for encryption', { ...issuers.get('RS256')?.jwk, use: 'enc' }, 'no_valid_keys'], ['for signing alone', { ...issuers.get('RS256')?.jwk, key_ops: ['sign'] }, 'no_valid_keys'],
    ['that is short', tokenIssuer('RS256', 'key-RS256', 1024).jwk, 'no_valid_keys'], ['of an unknown type', { kty: 'XYZ' }, 'no_valid_keys'], ['without parts', { kty: 'RSA', n: 'AQAB' }, 'no_valid_keys'],
    ['with a curve that its algorithm has not', { ...issuers.get('ES256')?.jwk, alg: 'ES512' }, 'no_valid_keys'], ['of a curve that nobody uses', { kty: 'OKP', crv: 'X25519', x: 'AAAA' }, 'no_valid_keys'],
  ])('a key %s is left out, and others are used', (_name, bad, expected) => {
    const good = issuers.get('RS256');
    expect(judge(keys(bad), good?.token(CLAIMS) ?? '')).toBe(expected);
    expect(judge(keys(bad, good?.jwk ?? {}), good?.token(CLAIMS) ?? '')).toBe('ok');
  });

  it('an HMAC key shorter than the hash is no key', () => {
    const signed = `${part({ alg: 'HS256' })}.${part(CLAIMS)}`;
    expect(judge(keys({ kty: 'oct', k: part('short') }), `${signed}.${createHmac('sha256', 'short').update(signed).digest('base64url')}`)).toBe('verification_failed');
  });

  it.each(['', 'x', '[]', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[1,null,"x"]}', `{"keys":[],"x":"${'y'.repeat(2_000_000)}"}`])('%.20s is no key set', (text) => {
    expect(parseKeySet(text, true)).toBeNull();
  });
});

describe('parseToken', () => {
  const raw = (header: unknown, payload: unknown, signature = 'AAAA'): string => `${part(header)}.${part(payload)}.${signature}`;
  const RS = { alg: 'RS256' };
  it.each<[string, string]>([
    ['', 'bad_format'], ['a.b', 'bad_format'], ['a.b.c.d', 'bad_format'], ['a..c', 'bad_format'], ['.b.c', 'bad_format'], ['a.b.', 'bad_format'], [`${part(RS)}.${part({})}.`, 'bad_format'], ['x'.repeat(40_000), 'bad_format'],
    ['*.b.c', 'header_bad_base64'], ['YQ==.b.c', 'header_bad_base64'], ['YR.b.c', 'header_bad_base64'], [raw('x', {}), 'header_bad_json'], [raw('[]', {}), 'header_bad_json'], [raw('null', {}), 'header_bad_json'],
    [raw({}, {}), 'header_bad_algorithm'], [raw({ alg: 1 }, {}), 'header_bad_algorithm'], [raw({ alg: 'none' }, {}), 'header_unknown_algorithm'], [raw({ alg: 'None' }, {}), 'header_unknown_algorithm'], [raw({ alg: 'rs256' }, {}), 'header_unknown_algorithm'], [raw({ alg: 'RS1' }, {}), 'header_unknown_algorithm'],
    [raw({ ...RS, kid: 1 }, {}), 'header_bad_key_id'], [raw({ ...RS, crit: ['b64'], b64: false }, {}), 'header_critical'], [raw({ ...RS, crit: [] }, {}), 'header_critical'],
    [`${part(RS)}.*.c`, 'payload_bad_base64'], [raw(RS, 'x'), 'payload_bad_json'], [raw(RS, '"x"'), 'payload_bad_json'], [`${part(RS)}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]).toString('base64url')}.AAAA`, 'payload_bad_json'],
    [raw(RS, { iss: 1 }), 'iss_no_string'], [raw(RS, { sub: {} }), 'sub_no_string'], [raw(RS, { iat: 'x' }), 'iat_no_integer'], [raw(RS, { nbf: null }), 'nbf_no_integer'], [raw(RS, { exp: '1' }), 'exp_no_integer'], [raw(RS, { exp: -1 }), 'exp_out_of_range'], [raw(RS, '{"exp":1e300}'), 'exp_out_of_range'],
    [raw(RS, { jti: 1 }), 'jti_no_string'], [raw(RS, { aud: 1 }), 'aud_no_string'], [raw(RS, { aud: ['a', 1] }), 'aud_no_string'], [raw(RS, {}, '*'), 'signature_bad_base64'],
  ])('%.40s is %s', (text, status) => expect(parseToken(text)).toBe(status));

  it('takes or refuses any text without an exception', () => {
    const good = issuers.get('ES256')?.token(CLAIMS) ?? '';
    fc.assert(fc.property(fc.oneof(fc.string(), fc.tuple(fc.nat(good.length), fc.string({ maxLength: 3 })).map(([at, text]) => good.slice(0, at) + text + good.slice(at + text.length))), (text) => {
      const verdict = judge(issuers.get('ES256')?.jwks ?? '', text);
      expect(verdict === 'ok').toBe(text === good);
    }), { numRuns: 300 });
  });
});

describe('VerifiedTokens', () => {
  const token = parseToken(issuers.get('ES256')?.token({ exp: 100 }) ?? '');
  const set = parseKeySet(issuers.get('ES256')?.jwks ?? '', false);
  if (typeof token === 'string' || !set) throw new Error('the test has no token');

  it('forgets what was unused for longest, what expired, and what another key set vouched for', () => {
    const tokens = new VerifiedTokens(2);
    for (const text of ['a', 'b']) tokens.add(text, token, set);
    expect(tokens.find('a', set, 0)).toBe(token);
    tokens.add('c', token, set);
    expect([tokens.size, tokens.find('b', set, 0)]).toEqual([2, undefined]);
    expect(tokens.find('a', set, 101)).toBeUndefined();
    expect(tokens.find('c', { verify: () => 'ok' }, 0)).toBeUndefined();
    expect(tokens.size).toBe(0);
  });

  it('does not keep long tokens', () => {
    const tokens = new VerifiedTokens(2);
    tokens.add('x'.repeat(5000), token, set);
    expect(tokens.size).toBe(0);
  });
});
