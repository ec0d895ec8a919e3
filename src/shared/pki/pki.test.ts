// The certificates made here, in use: real mTLS handshakes of node:tls.
import { createServer, connect, type TLSSocket } from 'node:tls';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { inspect } from 'node:util';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Pkcs10CertificateRequestGenerator } from './x509.ts';
import type { Secret} from './index.ts';
import { CertificateAuthority, createCertificateRequest, formatSpiffeId, KeyPair, parseCertificateRequest, parseCertificates, parsePeerNames, parseSpiffeId, rotationTime, spiffeIdOfUser, TrustBundle, verifyChain, type KeyAlgorithm } from './index.ts';

const HOUR = 3_600_000;
const id = { trustDomain: 'cluster.local', namespace: 'bookinfo', serviceAccount: 'bookinfo-reviews' };

async function handshake(authority: CertificateAuthority, client: { certificateChainPem: string; privateKeyPem: Secret } | undefined, roots: string): Promise<{ authorized: boolean; names: string | undefined }> {
  const server = createServer({ ...await serverIdentity(authority), ca: roots, requestCert: true, rejectUnauthorized: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: 'istiod.istio-system.svc', ca: authority.rootPem,
    ...(client ? { cert: client.certificateChainPem, key: client.privateKeyPem.reveal() } : {}),
  });
  await once(socket, 'secureConnect');
  const [peer] = await accepted;
  const names = peer.getPeerCertificate().subjectaltname;
  const authorized = peer.authorized;
  socket.destroy();
  peer.destroy();
  server.close();
  return { authorized, names };
}

async function serverIdentity(authority: CertificateAuthority): Promise<{ cert: string; key: string }> {
  const issued = await authority.issueWithNewKey({ dnsNames: ['istiod.istio-system.svc'], lifetimeMilliseconds: HOUR });
  return { cert: issued.certificateChainPem, key: issued.privateKeyPem.reveal() };
}

describe('CertificateAuthority', () => {
  test.each(['EC_P256', 'RSA_2048'] satisfies KeyAlgorithm[])('signs a request for a %s key so that mTLS accepts it', async (algorithm) => {
    const authority = await CertificateAuthority.createSelfSigned({ algorithm });
    const key = await KeyPair.generate(algorithm);
    const request = await parseCertificateRequest(await createCertificateRequest(key, { uris: [formatSpiffeId(id)] }));
    expect(request.uris).toEqual(['spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews']);
    const chain = await authority.issue({ publicKey: request.publicKeyDer, uris: request.uris, lifetimeMilliseconds: HOUR });
    const { authorized, names } = await handshake(authority, { certificateChainPem: chain, privateKeyPem: key.privateKeyPem }, authority.rootPem);
    expect(authorized).toBe(true);
    expect(parsePeerNames(names).uris.map(parseSpiffeId)).toEqual([id]);
  });

  test('below an intermediate gives chains that the root alone verifies', async () => {
    const root = await CertificateAuthority.createSelfSigned();
    const intermediate = await root.createIntermediate({ lifetimeMilliseconds: HOUR });
    const loaded = await CertificateAuthority.load(intermediate.certificatePem, intermediate.privateKeyPem.reveal(), { chainPem: intermediate.intermediatesPem, rootPem: root.rootPem });
    const leaf = await loaded.issueWithNewKey({ uris: [formatSpiffeId(id)], lifetimeMilliseconds: HOUR });
    expect(parseCertificates(leaf.certificateChainPem)).toHaveLength(2);
    expect(verifyChain(parseCertificates(leaf.certificateChainPem), parseCertificates(root.rootPem))).toBe(true);
    expect((await handshake(loaded, leaf, root.rootPem)).authorized).toBe(true);
  });

  test('is not trusted by those who trust another root', async () => {
    const [ours, other] = await Promise.all([CertificateAuthority.createSelfSigned(), CertificateAuthority.createSelfSigned()]);
    const leaf = await other.issueWithNewKey({ uris: [formatSpiffeId(id)], lifetimeMilliseconds: HOUR });
    expect(verifyChain(parseCertificates(leaf.certificateChainPem), parseCertificates(ours.rootPem))).toBe(false);
    expect((await handshake(ours, leaf, ours.rootPem)).authorized).toBe(false);
    expect((await handshake(ours, leaf, new TrustBundle(ours.rootPem, other.rootPem, ours.rootPem).pem)).authorized).toBe(true);
  });

  test('refuses to load a key that is not its certificate\'s, and a certificate that may not sign', async () => {
    const [one, two] = await Promise.all([CertificateAuthority.createSelfSigned(), CertificateAuthority.createSelfSigned()]);
    await expect(CertificateAuthority.load(one.certificatePem, two.privateKeyPem.reveal())).rejects.toThrow('does not belong');
    const leaf = await one.issueWithNewKey({ dnsNames: ['a.example'], lifetimeMilliseconds: HOUR });
    await expect(CertificateAuthority.load(leaf.certificateChainPem, leaf.privateKeyPem.reveal())).rejects.toThrow('may not sign');
  });

  test('never issues beyond its own end', async () => {
    const authority = await CertificateAuthority.createSelfSigned({ lifetimeMilliseconds: HOUR });
    const [leaf] = parseCertificates(await authority.issue({ publicKey: (await KeyPair.generate()).publicKeyPem, dnsNames: ['a.example'], lifetimeMilliseconds: 100 * HOUR }));
    expect(leaf?.notAfter).toEqual(parseCertificates(authority.certificatePem)[0]?.notAfter);
  });
});

test('parseCertificateRequest refuses a request with a changed signature', async () => {
  const pem = await createCertificateRequest(await KeyPair.generate(), { uris: [formatSpiffeId(id)] });
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
  const tail = der.at(-1) ?? 0;
  der[der.length - 1] = tail ^ 1;
  await expect(parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`)).rejects.toThrow();
  await expect(parseCertificateRequest('hello')).rejects.toThrow('not PEM');
});

test.each([
  ['RSA of 1024 bits', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }],
  ['Ed25519', { name: 'Ed25519' }],
])('parseCertificateRequest refuses %s', async (_name, algorithm) => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=a', keys: keys as never, signingAlgorithm: algorithm });
  await expect(parseCertificateRequest(request.toString('pem'))).rejects.toThrow('the key of the certificate request is not taken');
});

test('parseCertificateRequest takes P-384', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=a', keys: keys as never, signingAlgorithm: algorithm });
  expect((await parseCertificateRequest(request.toString('pem'))).subject).toBe('CN=a');
});

test('KeyPair reads what it wrote and never prints its private half', async () => {
  const key = await KeyPair.generate('EC_P256');
  const again = await KeyPair.fromPem(key.privateKeyPem.reveal());
  expect(again.publicKeyPem).toBe(key.publicKeyPem);
  for (const text of [String(key.privateKeyPem), JSON.stringify(key), inspect(key)]) expect(text).not.toContain('BEGIN PRIVATE KEY');
});

test('parseSpiffeId takes only the form of a workload', () => {
  expect(parseSpiffeId('spiffe://td/ns/a/sa/b')).toEqual({ trustDomain: 'td', namespace: 'a', serviceAccount: 'b' });
  for (const bad of ['spiffe://td/ns/a/sa/b/c', 'https://td/ns/a/sa/b', 'spiffe:///ns/a/sa/b', 'spiffe://td/ns//sa/b', 'spiffe://td/ns/a/sa/b?x']) expect(parseSpiffeId(bad)).toBeUndefined();
  expect(spiffeIdOfUser('system:serviceaccount:a:b', 'td')).toEqual({ trustDomain: 'td', namespace: 'a', serviceAccount: 'b' });
  expect(spiffeIdOfUser('system:node:a', 'td')).toBeUndefined();
});

test('parsePeerNames is not fooled by a comma inside a quoted name', () => {
  expect(parsePeerNames('URI:spiffe://td/ns/a/sa/b, DNS:a.example')).toEqual({ uris: ['spiffe://td/ns/a/sa/b'], dnsNames: ['a.example'] });
  expect(parsePeerNames('DNS:"a.example, URI:spiffe://td/ns/admin/sa/root"').uris).toEqual([]);
  expect(parsePeerNames('nonsense')).toEqual({ uris: [], dnsNames: [] });
});

test('rotationTime lies around half of the life, before the end', () => {
  const certificate = { notBefore: new Date(0), notAfter: new Date(24 * HOUR) };
  expect(rotationTime(certificate, { random: () => 0.5 }).getTime()).toBe(12 * HOUR);
  // A hundredth of the life either way, as Istio's agents spread themselves.
  expect([0, 1].map((random) => rotationTime(certificate, { random: () => random }).getTime() / HOUR)).toEqual([expect.closeTo(12.24, 5), expect.closeTo(11.76, 5)].reverse());
  expect(rotationTime(certificate, { graceRatio: 0, random: () => 1 }).getTime()).toBe(24 * HOUR - 60_000);
});
