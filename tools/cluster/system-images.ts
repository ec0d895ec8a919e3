// The images that a cluster needs of its own: the pods' sandbox and CoreDNS, each one static program, as OCI archives in the cache.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { file, writeImage } from '../images/index.ts';
import type { ClusterBinaries } from './binaries.ts';
import { COREDNS_IMAGE } from './coredns.ts';
import { cacheFolder } from '../toolchain/cache-folder.ts';

/** The name of the image of the pods' sandbox. */
export const PAUSE_IMAGE = 'localhost/pause:1';

/** Makes the archives unless the cache has them; gives their files. */
export async function systemImages(binaries: ClusterBinaries): Promise<string[]> {
  return [await programImage(PAUSE_IMAGE, binaries.pause), await programImage(COREDNS_IMAGE, binaries.coredns)];
}

/** An image that holds one static program; kept beside the program's folder in the cache, whose name tells its content. */
async function programImage(reference: string, program: string): Promise<string> {
  const archive = join(cacheFolder(), `${basename(dirname(program))}.image.tar`);
  if (existsSync(archive)) return archive;
  const name = basename(program);
  await writeImage({
    reference, output: archive, platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    layers: [{ files: [file(name, readFileSync(program), 0o755)] }], config: { entrypoint: [`/${name}`] },
  });
  return archive;
}
