// The authority against a small API server: which secret it uses, how a root is replaced, and what happens when the secret is broken or gone.
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { KubeClient } from '../../shared/kube/index.ts';
import { CertificateAuthority, KeyPair, parseCertificates, TrustBundle, verifyChain } from '../../shared/pki/index.ts';
import { encodeSecret } from './authority-secret.ts';
import { MeshAuthority } from './authority.ts';

const SECRETS = '/api/v1/secrets';
const DAY = 24 * 3_600_000;

interface World {
  readonly api: FakeKubeApiServer;
  start(leader?: boolean): Promise<MeshAuthority>;
  put(name: string, authority: CertificateAuthority, more?: Record<string, string>): void;
  value(key: string, name?: string): string;
}

async function world(): Promise<World> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  onTestFinished(async () => {
    client.close();
    await api.stop();
  });
  return {
    api,
    start: async (leader = true) => {
      const authority = new MeshAuthority(client, {
        namespace: 'istio-system', trustDomain: 'cluster.local', servingNames: ['istiod.istio-system.svc'], servingLifetimeMilliseconds: DAY, refreshMilliseconds: 3_600_000, rotation: { graceRatio: 0.2, overlapMilliseconds: 2 * DAY },
      }, () => leader);
      await authority.start(new AbortController().signal);
      onTestFinished(() => authority.stop());
      return authority;
    },
    put: (name, authority, more = {}) => {
      const data = encodeSecret({ 'ca-cert.pem': authority.certificatePem, 'ca-key.pem': authority.privateKeyPem.reveal(), 'root-cert.pem': authority.rootPem, 'cert-chain.pem': authority.intermediatesPem, ...more });
      api.put(SECRETS, { metadata: { name, namespace: 'istio-system' }, ...{ data } });
    },
    value: (key, name = 'istio-ca-secret') => Buffer.from((api.read(SECRETS, name, 'istio-system')?.['data'] as Record<string, string> | undefined)?.[key] ?? '', 'base64').toString(),
  };
}

const fingerprints = (pem: string): string[] => new TrustBundle(pem).roots.map((root) => root.fingerprint);
const after = (milliseconds: number): Date => new Date(Date.now() + milliseconds);

async function leafFrom(authority: MeshAuthority): Promise<ReturnType<typeof parseCertificates>> {
  const key = await KeyPair.generate();
  return parseCertificates(await authority.authority.issue({ publicKey: key.publicKeyPem, uris: ['spiffe://cluster.local/ns/a/sa/b'], lifetimeMilliseconds: DAY }));
}

describe('MeshAuthority', () => {
  test('makes a self-signed root when there is no secret, and the next instance uses it', async () => {
    const { start, value } = await world();
    const first = await start();
    expect(value('root-cert.pem')).toBe(first.current.rootsPem);
    expect((await start(false)).current.rootsPem).toBe(first.current.rootsPem);
    expect(parseCertificates(first.current.serving.certificateChainPem)[0]?.dnsNames).toEqual(['istiod.istio-system.svc']);
  });

  test('prefers cacerts, an intermediate whose chain leads to its root', async () => {
    const { start, put } = await world();
    const root = await CertificateAuthority.createSelfSigned();
    put('istio-ca-secret', await CertificateAuthority.createSelfSigned());
    put('cacerts', await root.createIntermediate({ lifetimeMilliseconds: 100 * DAY }));
    const authority = await start();
    expect(fingerprints(authority.current.rootsPem)).toEqual(fingerprints(root.rootPem));
    const chain = await leafFrom(authority);
    expect(chain).toHaveLength(2);
    expect(verifyChain(chain, parseCertificates(root.rootPem))).toBe(true);
  });

  test('takes cert-manager\'s names of the keys', async () => {
    const { api, start } = await world();
    const root = await CertificateAuthority.createSelfSigned();
    const own = await root.createIntermediate({ lifetimeMilliseconds: 100 * DAY });
    const data = encodeSecret({ 'tls.crt': own.intermediatesPem, 'tls.key': own.privateKeyPem.reveal(), 'ca.crt': root.rootPem });
    api.put(SECRETS, { metadata: { name: 'cacerts', namespace: 'istio-system' }, ...{ data } });
    expect(verifyChain(await leafFrom(await start()), parseCertificates(root.rootPem))).toBe(true);
  });

  test('takes a changed secret, and keeps what it has when the secret is broken or gone', async () => {
    const { api, start, put } = await world();
    put('istio-ca-secret', await CertificateAuthority.createSelfSigned());
    const authority = await start(false);
    const next = await CertificateAuthority.createSelfSigned();
    put('istio-ca-secret', next);
    await authority.refresh();
    expect(authority.current.rootsPem).toContain(next.rootPem.trim());
    put('istio-ca-secret', next, { 'ca-key.pem': 'nonsense' });
    await authority.refresh();
    api.remove(SECRETS, 'istio-ca-secret', 'istio-system');
    await authority.refresh();
    expect(authority.current.rootsPem).toContain(next.rootPem.trim());
  });

  test('replaces a root that ends soon: first trusted, later signing, the old one trusted until its end', async () => {
    const { start, put, value } = await world();
    const old = await CertificateAuthority.createSelfSigned({ lifetimeMilliseconds: 100 * DAY });
    put('istio-ca-secret', old);
    const authority = await start();
    await authority.refresh(after(70 * DAY));
    expect(fingerprints(authority.current.rootsPem)).toEqual(fingerprints(old.rootPem));

    await authority.refresh(after(81 * DAY));
    expect(fingerprints(authority.current.rootsPem)).toHaveLength(2);
    expect(verifyChain(await leafFrom(authority), parseCertificates(old.rootPem))).toBe(true);
    await authority.refresh(after(82 * DAY));
    expect(verifyChain(await leafFrom(authority), parseCertificates(old.rootPem))).toBe(true);

    await authority.refresh(after(84 * DAY));
    const leaf = await leafFrom(authority);
    expect(verifyChain(leaf, parseCertificates(old.rootPem))).toBe(false);
    expect(verifyChain(leaf, parseCertificates(authority.current.rootsPem))).toBe(true);
    expect(fingerprints(authority.current.rootsPem)).toHaveLength(2);
    expect(value('next-ca-key.pem')).toBe('');
  });

  test('a replica that does not lead, and a plugged-in authority, rotate nothing', async () => {
    const { start, put } = await world();
    const old = await CertificateAuthority.createSelfSigned({ lifetimeMilliseconds: 100 * DAY });
    put('istio-ca-secret', old);
    const follower = await start(false);
    await follower.refresh(after(95 * DAY));
    expect(fingerprints(follower.current.rootsPem)).toHaveLength(1);
    put('cacerts', old);
    const leader = await start(true);
    await leader.refresh(after(95 * DAY));
    expect(fingerprints(leader.current.rootsPem)).toHaveLength(1);
  });

  test('waits for rights that come later', async () => {
    const { api, start } = await world();
    let refusals = 2;
    api.intercept = () => ((refusals -= 1) >= 0 ? { status: 403, reason: 'Forbidden', message: 'not yet' } : undefined);
    expect((await start()).current.rootsPem).toContain('BEGIN CERTIFICATE');
  });

  test('a secret that holds no authority stops the start with its name', async () => {
    const { start, put } = await world();
    put('cacerts', await CertificateAuthority.createSelfSigned(), { 'ca-key.pem': (await KeyPair.generate()).privateKeyPem.reveal() });
    await expect(start()).rejects.toThrow('secret cacerts does not hold a certificate authority');
  });
});
