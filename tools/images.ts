// `npm run images`: builds the images as OCI archives. See docs/architecture/images.md and --help.
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ALL_ARCHITECTURES, buildImages, debianPackageNames, imageCache, IMAGES_USAGE, LOCK_FILE, pushImages, referencePrefix, REGISTRY, resolveLock, sizeTable, stageImages, writeManifests, type ImagesCommandLine,
} from './images/index.ts';
import { runProgram } from './toolchain/program.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

async function main({ values: request }: ImagesCommandLine): Promise<number> {
  const cache = imageCache(process.env);
  const progress = (line: string): void => void process.stderr.write(`images: ${line}\n`);
  if (request['update-lock']) {
    const lock = resolveLock(debianPackageNames(), ['amd64', 'arm64'], cache);
    writeFileSync(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 1)}\n`);
    progress(`wrote ${LOCK_FILE}`);
  }
  const { only, version: versions } = request;
  const architectures = request.arch.length === 0 ? ALL_ARCHITECTURES : request.arch;
  if (request.stage !== undefined) {
    await stageImages({ root, output: resolve(request.stage), architectures, only, versions, cache, progress });
    return 0;
  }
  const output = resolve(request.output ?? join(root, 'dist/images'));
  const images = await buildImages({ root, output, architectures, only, versions, cache, progress });
  process.stdout.write(sizeTable(images));
  if (request.push !== undefined) await pushImages(images, { output, registry: request.push, progress });
  if (request.manifests !== undefined) {
    const prefix = request.registry ?? (request.push === undefined ? REGISTRY : referencePrefix(request.push));
    for (const path of writeManifests({ root, images, prefix, folder: resolve(request.manifests) })) progress(`wrote ${path}`);
  }
  return 0;
}

await runProgram(IMAGES_USAGE, main);
