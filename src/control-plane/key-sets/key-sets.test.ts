// Key sets over real HTTP: found, renewed, kept when their server fails, and never fetched from where nobody should be asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { tokenIssuer } from '../../../test/support/token-issuer.ts';
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import { RequestAuthentication } from '../../shared/api/security/request-authentication.ts';
import { Table } from '../../shared/lib/index.ts';
import { CertificateAuthority } from '../../shared/pki/index.ts';
import { trustedAuthorities } from './authorities.ts';
import { blockedAddresses, fetchDocument } from './fetch-document.ts';
import { KeySetResolver, SettledTokenRules, type KeySetResolverOptions } from './index.ts';
import { keySetAddress, publicKeySet } from './public-key-set.ts';

const HOST = '127.94.1.1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(handler: RequestListener): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://${HOST}:${(server.address() as AddressInfo).port}`;
}

const rule = (jwtRules: object[], name = 'tokens'): IstioObject => RequestAuthentication.parse({ apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', metadata: { name, namespace: 'shop' }, spec: { jwtRules } });

async function resolver(config: Table<string, IstioObject>, options: Partial<KeySetResolverOptions> = {}): Promise<KeySetResolver> {
  const made = new KeySetResolver(config, { refreshMilliseconds: 20, blockedRanges: [], retryMilliseconds: 20, ...options });
  closers.push(() => made.stop());
  await made.start();
  return made;
}
function configOf(...objects: IstioObject[]): Table<string, IstioObject> {
  const table = new Table<string, IstioObject>();
  for (const object of objects) table.set(`RequestAuthentication/shop/${object.metadata.name ?? ''}`, object);
  return table;
}
const kids = (made: KeySetResolver, key: string): string[] | null | undefined => {
  const state = made.table.get(key);
  return state && (state.keys === null ? null : (JSON.parse(state.keys) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid));
};

describe('KeySetResolver', () => {
  test('has the keys when it has started: of an address, and of an issuer by its OpenID configuration', async () => {
    const address = await serve((request, response) => {
      if (request.url === '/.well-known/openid-configuration') response.end(JSON.stringify({ issuer: 'x', jwks_uri: `${address}/found` }));
      else response.end(tokenIssuer('ES256', request.url ?? '').jwks);
    });
    const made = await resolver(configOf(rule([{ issuer: 'a', jwksUri: `${address}/named` }, { issuer: `${address}/` }, { issuer: 'inline', jwks: tokenIssuer('ES256').jwks }])), { refreshMilliseconds: 60_000 });
    expect([...made.table.keys()].sort()).toEqual([`issuer ${address}/`, `uri ${address}/named`]);
    expect([kids(made, `uri ${address}/named`), kids(made, `issuer ${address}/`)]).toEqual([['/named'], ['/found']]);
    expect(made.issues).toEqual([]);
  });

  test('renews them, keeps the last good ones while their server fails, and takes the next', async () => {
    let state: 'first' | 'down' | 'nonsense' | 'second' = 'first';
    let asked = 0;
    const keys = { first: tokenIssuer('ES256', 'first').jwks, second: tokenIssuer('ES256', 'second').jwks };
    const address = await serve((_request, response) => {
      asked += 1;
      if (state === 'down') response.writeHead(500).end();
      else response.end(state === 'nonsense' ? '<html>' : keys[state]);
    });
    const made = await resolver(configOf(rule([{ issuer: 'a', jwksUri: address }])));
    for (const bad of ['down', 'nonsense'] as const) {
      state = bad;
      const before = asked;
      await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 2));
      expect(kids(made, `uri ${address}`)).toEqual(['first']);
      expect(made.issues[0]?.message).toContain('the last ones stay in force');
    }
    state = 'second';
    await vi.waitFor(() => expect(kids(made, `uri ${address}`)).toEqual(['second']));
    expect(made.issues).toEqual([]);
  });

  test('says that there are none, goes on trying, and follows what is named', async () => {
    let down = true;
    const address = await serve((_request, response) => (down ? response.writeHead(404).end() : response.end(tokenIssuer('ES256', 'late').jwks)));
    const config = configOf(rule([{ issuer: 'a', jwksUri: address }]));
    const made = await resolver(config);
    expect([kids(made, `uri ${address}`), made.issues[0]?.message]).toEqual([null, expect.stringContaining('every token of it is refused')]);
    down = false;
    await vi.waitFor(() => expect(kids(made, `uri ${address}`)).toEqual(['late']));
    config.set('RequestAuthentication/shop/more', rule([{ issuer: 'b', jwksUri: `${address}/b` }], 'more'));
    await vi.waitFor(() => expect(kids(made, `uri ${address}/b`)).toEqual(['late']));
    config.delete('RequestAuthentication/shop/tokens');
    await vi.waitFor(() => expect([...made.table.keys()]).toEqual([`uri ${address}/b`]));
  });

  test('does not hold up the start for a server that does not answer', async () => {
    const address = await serve(() => undefined);
    const made = await resolver(configOf(rule([{ issuer: 'a', jwksUri: address, timeout: '30s' }])), { startMilliseconds: 50 });
    expect(kids(made, `uri ${address}`)).toBeNull();
  });
});

describe('fetchDocument', () => {
  const authorities = trustedAuthorities('/none');
  const options = { timeoutMilliseconds: 300, blocked: blockedAddresses([]), authorities };

  test('follows a few redirects, but to no other scheme', async () => {
    const address = await serve((request, response) => {
      const [, kind, count = '0'] = /^\/(\w+)(?:\/(\d+))?/.exec(request.url ?? '') ?? [];
      if (kind === 'ok') response.end('here');
      else if (kind === 'file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      else response.writeHead(302, { location: count === '0' ? '/ok' : `/go/${Number(count) - 1}` }).end();
    });
    expect(await fetchDocument(`${address}/go/2`, options)).toBe('here');
    await expect(fetchDocument(`${address}/go/3`, options)).rejects.toThrow('redirects too often');
    await expect(fetchDocument(`${address}/file`, options)).rejects.toThrow('redirects to file:, which is not followed');
  });

  test('is bounded in time and size', async () => {
    const address = await serve((request, response) => {
      response.write('x'.repeat(1000));
      if (request.url === '/long') response.end('x'.repeat(2_000_000));
    });
    await expect(fetchDocument(`${address}/slow`, options)).rejects.toThrow('did not answer in time');
    await expect(fetchDocument(`${address}/long`, { ...options, timeoutMilliseconds: 5000 })).rejects.toThrow('longer than');
  });

  test('never asks metadata services nor what an administrator blocks, by address or by name', async () => {
    let asked = 0;
    const address = await serve((_request, response) => {
      asked += 1;
      response.end('x');
    });
    for (const host of ['169.254.169.254', '2852039166', '[::ffff:169.254.169.254]', '[fd00:ec2::254]', '100.100.100.200']) await expect(fetchDocument(`http://${host}/`, options), host).rejects.toThrow('never asked');
    const blocked = { ...options, blocked: blockedAddresses(['127.0.0.0/8', ' ::1/128', '']) };
    await expect(fetchDocument(address, blocked)).rejects.toThrow('never asked');
    await expect(fetchDocument(address.replace(HOST, 'localhost'), blocked)).rejects.toThrow('never asked');
    expect(asked).toBe(0);
    for (const bad of ['10.0.0.0', '10.0.0.0/33', 'x/8', '::1/129']) expect(() => blockedAddresses([bad])).toThrow('not an address range');
  });
});

describe('trustedAuthorities', () => {
  test('vouch for a server over TLS: the system\'s and those that are mounted, and nobody else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'authorities-'));
    closers.push(() => rmSync(directory, { recursive: true }));
    const authority = await CertificateAuthority.createSelfSigned();
    const identity = await authority.issueWithNewKey({ ipAddresses: [HOST], lifetimeMilliseconds: 60_000 });
    const server = createTlsServer({ cert: identity.certificateChainPem, key: identity.privateKeyPem.reveal() }, (request, response) => {
      if (request.url === '/down') response.writeHead(302, { location: `http://${HOST}:1/` }).end();
      else response.end(tokenIssuer('ES256', 'over-tls').jwks);
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    closers.push(() => server.close());
    const address = `https://${HOST}:${(server.address() as AddressInfo).port}`;
    const file = join(directory, 'extra.pem');
    const fetched = (path = ''): Promise<string> => fetchDocument(`${address}${path}`, { timeoutMilliseconds: 3000, blocked: blockedAddresses([]), authorities: trustedAuthorities(file) });
    await expect(fetched()).rejects.toThrow(/certificate/);
    writeFileSync(file, authority.rootPem);
    expect(publicKeySet(await fetched())).toContain('over-tls');
    await expect(fetched('/down')).rejects.toThrow('redirects to http:, which is not followed');
    const made = await resolver(configOf(rule([{ issuer: 'a', jwksUri: address }])), { extraAuthoritiesFile: file });
    expect(kids(made, `uri ${address}`)).toEqual(['over-tls']);
  });
});

describe('publicKeySet', () => {
  test('passes on public keys, and nothing else that stood there', () => {
    const issuer = tokenIssuer('RS256', 'a');
    const secret = tokenIssuer('HS256', 'b');
    expect(JSON.parse(publicKeySet(JSON.stringify({ keys: [{ ...issuer.jwk, d: 'PRIVATE', note: 'NOTE', use: 'sig' }, secret.jwk, 7, null, {}, { ...issuer.jwk, n: '' }, { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }], other: 'OTHER' })))).toEqual({ keys: [{ ...issuer.jwk, use: 'sig' }] });
  });
  test.each(['', 'x', '[]', 'null', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"AAAA"}]}'])('%s is refused', (text) => expect(() => publicKeySet(text)).toThrow());
  test.each(['', '{}', '{"jwks_uri":1}', '{"jwks_uri":"file:///x"}', '{"jwks_uri":"//x"}'])('%s is no OpenID configuration', (text) => expect(() => keySetAddress(text)).toThrow());
});

describe('SettledTokenRules', () => {
  test('keeps an object, or its version before, until its keys were asked for', () => {
    const keySets = new Table<string, { readonly keys: string | null }>();
    const rules = new SettledTokenRules(keySets);
    const inline = rule([{ issuer: 'i', jwks: '{}' }]);
    const remote = rule([{ issuer: 'i', jwksUri: 'https://keys' }]);
    expect(rules.select([remote])).toEqual([]);
    expect(rules.select([inline])).toEqual([inline]);
    expect(rules.select([remote])).toEqual([inline]);
    keySets.set('uri https://keys', { keys: null });
    expect([rules.select([remote]), rules.keySets().size]).toEqual([[remote], 0]);
    keySets.set('uri https://keys', { keys: 'K' });
    expect([rules.select([remote]), rules.keySets()]).toEqual([[remote], new Map([['uri https://keys', 'K']])]);
    expect([rules.select([]), rules.select([rule([{ issuer: 'i', jwksUri: 'https://new' }])])]).toEqual([[], []]);
  });
});
