// Where a workload's identity comes from when the platform brings it as files, and which roots stand for the system's own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CertificateAuthority, parseCertificates } from '../../shared/pki/index.ts';
import { MESH_ROOTS, SecretStore, WORKLOAD_CERTIFICATE } from './secret-store.ts';
import { WorkloadIdentity } from './workload-identity.ts';

let folder: string;
let identity: WorkloadIdentity | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'identity-'));
});
afterEach(async () => {
  await identity?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function writeIdentity(authority: CertificateAuthority, name: string): Promise<string> {
  const issued = await authority.issueWithNewKey({ uris: [name], lifetimeMilliseconds: 3_600_000 });
  writeFileSync(join(folder, 'key.pem'), issued.privateKeyPem.reveal());
  writeFileSync(join(folder, 'root-cert.pem'), authority.rootPem);
  writeFileSync(join(folder, 'cert-chain.pem'), issued.certificateChainPem);
  return issued.certificateChainPem;
}

const certificateOf = (store: SecretStore): string => {
  const secret = store.get(WORKLOAD_CERTIFICATE);
  return secret?.kind === 'certificate' ? secret.certificateChainPem : '';
};

it('the platform\'s files take the place of signing requests, and are followed when they change', async () => {
  const authority = await CertificateAuthority.createSelfSigned();
  const first = await writeIdentity(authority, 'spiffe://cluster.local/ns/a/sa/b');
  const store = new SecretStore();
  identity = new WorkloadIdentity({
    caAddress: '127.0.0.1:1', clusterId: 'c', spiffeId: 'spiffe://cluster.local/ns/a/sa/b', lifetimeSeconds: 60, tokenFile: join(folder, 'none'), rootCertificateFile: join(folder, 'none'), workloadCertificateFolder: folder,
    store, fileIntervalMilliseconds: 20,
  });
  await identity.start();
  await identity.whenIssued();
  expect(certificateOf(store)).toBe(first);
  expect(identity.client().certificateChainPem).toBe(first);
  const roots = store.get(MESH_ROOTS);
  expect(roots?.kind === 'roots' ? parseCertificates(roots.trustedCaPem).map(({ pem }) => pem) : []).toEqual(parseCertificates(authority.rootPem).map(({ pem }) => pem));
  const second = await writeIdentity(authority, 'spiffe://cluster.local/ns/a/sa/b');
  for (let turn = 0; turn < 100 && certificateOf(store) !== second; turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(certificateOf(store)).toBe(second);
});

it('the system\'s roots are the public authorities, not a file of that name', () => {
  const secret = new SecretStore().get('file-root:system');
  expect(secret?.kind === 'roots' ? parseCertificates(secret.trustedCaPem).length : 0).toBeGreaterThan(50);
});
