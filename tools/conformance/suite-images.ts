// The images that the suite's manifests name, made from the Go programs under exactly those names, so that nothing has to be pulled.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CertificateAuthority, KeyPair } from '../../src/shared/pki/index.ts';
import { file, writeImage, type FileEntry, type ImageConfig } from '../images/index.ts';
import { cacheFolder } from '../toolchain/cache-folder.ts';
import type { ConformancePrograms } from './go-programs.ts';

/** The names in the manifests of release 1.6.3. */
const ECHO_BASIC = ['v1.5.1', 'v1.6.0-dev.2', 'v1.6.0-dev.3'].map((tag) => `registry.k8s.io/gateway-api/echo-basic:${tag}`);
const ECHO_ADVANCED = 'registry.k8s.io/gateway-api/echo-advanced:v1.5.1';
const COREDNS = 'registry.k8s.io/coredns/coredns:v1.12.2';
const NOBODY = '65532';
const YEAR_MILLISECONDS = 365 * 24 * 3_600_000;

/** Archives of the suite's images, from the cache where it has them. */
export async function suiteImages(programs: ConformancePrograms): Promise<string[]> {
  const archives: string[] = [];
  for (const reference of ECHO_BASIC) archives.push(await programImage(reference, programs.echoBasic, async () => [file('echo-basic', readFileSync(programs.echoBasic), 0o755)], { entrypoint: ['/echo-basic'], user: NOBODY }));
  archives.push(await programImage(ECHO_ADVANCED, programs.echoServer, () => echoAdvancedFiles(programs), { entrypoint: ['/usr/local/bin/server'], user: '1338' }));
  archives.push(await programImage(COREDNS, programs.coredns, async () => [file('coredns', readFileSync(programs.coredns), 0o755)], { entrypoint: ['/coredns'] }));
  return archives;
}

/** Istio's echo, which the manifests start with a certificate that its image brings. */
async function echoAdvancedFiles({ echoClient, echoServer }: ConformancePrograms): Promise<FileEntry[]> {
  const authority = await CertificateAuthority.createSelfSigned({ commonName: 'echo' });
  const key = await KeyPair.generate();
  const issued = await authority.issue({ publicKey: key.publicKeyPem, dnsNames: ['echo'], lifetimeMilliseconds: 10 * YEAR_MILLISECONDS });
  return [
    file('usr/local/bin/client', readFileSync(echoClient), 0o755), file('usr/local/bin/server', readFileSync(echoServer), 0o755),
    file('cert.crt', issued), file('cert.key', key.privateKeyPem.reveal(), 0o644),
  ];
}

/** The program's folder in the cache tells its content by its name. */
async function programImage(reference: string, program: string, files: () => Promise<FileEntry[]>, config: ImageConfig): Promise<string> {
  const folder = join(cacheFolder(), 'conformance-images');
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, `${basename(dirname(program))}-${reference.slice(reference.lastIndexOf('/') + 1).replace(':', '-')}.tar`);
  if (existsSync(archive)) return archive;
  await writeImage({ reference, output: archive, platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' }, layers: [{ files: await files() }], config });
  return archive;
}
