// The two images that a cluster needs of its own: the pods' sandbox and CoreDNS, each one static program, as OCI archives in the cache.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from './command.ts';
import { COREDNS_IMAGE } from './coredns.ts';
import { cacheFolder } from './go-build.ts';
import type { ClusterBinaries } from './binaries.ts';

/** The name of the image of the pods' sandbox. */
export const PAUSE_IMAGE = 'localhost/pause:1';

const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
const TAR = ['tar', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];

/** Makes the archives unless the cache has them; gives their files. */
export async function systemImages(binaries: ClusterBinaries): Promise<string[]> {
  return [await programImage(PAUSE_IMAGE, binaries.pause), await programImage(COREDNS_IMAGE, binaries.coredns)];
}

/** An image that holds one static program; kept beside the program's folder in the cache, whose name tells its content. */
async function programImage(reference: string, program: string): Promise<string> {
  const name = program.split('/').at(-1) ?? '';
  const archive = join(cacheFolder(), `${program.split('/').at(-2) ?? name}.image.tar`);
  if (existsSync(archive)) return archive;
  const folder = join(tmpdir(), `mizzen-image-${process.pid}-${name}`);
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(join(folder, 'root/tmp'), { recursive: true });
  mkdirSync(blobs, { recursive: true });
  copyFileSync(program, join(folder, 'root', name));
  chmodSync(join(folder, 'root', name), 0o755);
  await run([...TAR, '-C', join(folder, 'root'), '-cf', join(folder, 'layer.tar'), '.']);
  const layerDigest = await digestOfFile(join(folder, 'layer.tar'));
  renameSync(join(folder, 'layer.tar'), join(blobs, layerDigest));
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${layerDigest}`, size: statSync(join(blobs, layerDigest)).size };
  const config = writeBlob(blobs, 'application/vnd.oci.image.config.v1+json', {
    architecture: ARCHITECTURE, os: 'linux', config: { Entrypoint: [`/${name}`], WorkingDir: '/' }, rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = writeBlob(blobs, mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(folder, 'index.json'), JSON.stringify({
    schemaVersion: 2, manifests: [{ ...manifest, platform: { architecture: ARCHITECTURE, os: 'linux' }, annotations: { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference } }],
  }));
  await run([...TAR, '-C', folder, '-cf', `${archive}.${process.pid}.new`, 'oci-layout', 'index.json', 'blobs']);
  renameSync(`${archive}.${process.pid}.new`, archive);
  rmSync(folder, { recursive: true, force: true });
  return archive;
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function writeBlob(folder: string, mediaType: string, value: object): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(folder, digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}
