// `npm run images`: builds the images as OCI archives. See docs/architecture/images.md and --help.
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildImages, debianPackageNames, HELP, imageCache, LOCK_FILE, parseRequest, pushImages, referencePrefix, REGISTRY, resolveLock, sizeTable, stageImages, writeManifests } from './images/index.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

async function main(): Promise<void> {
  const request = parseRequest(process.argv.slice(2));
  if (request.help) {
    process.stdout.write(HELP);
    return;
  }
  const cache = imageCache(process.env);
  const progress = (line: string): void => void process.stderr.write(`images: ${line}\n`);
  if (request.updateLock) {
    const lock = resolveLock(debianPackageNames(), ['amd64', 'arm64'], cache);
    writeFileSync(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 1)}\n`);
    progress(`wrote ${LOCK_FILE}`);
  }
  const { architectures, only, versions } = request;
  if (request.stage !== undefined) {
    await stageImages({ root, output: resolve(request.stage), architectures, only, versions, cache, progress });
    return;
  }
  const output = resolve(request.output ?? join(root, 'dist/images'));
  const images = await buildImages({ root, output, architectures, only, versions, cache, progress });
  process.stdout.write(sizeTable(images));
  if (request.push !== undefined) await pushImages(images, { output, registry: request.push, progress });
  if (request.manifests !== undefined) {
    const prefix = request.registry ?? (request.push === undefined ? REGISTRY : referencePrefix(request.push));
    for (const path of writeManifests({ root, images, prefix, folder: resolve(request.manifests) })) progress(`wrote ${path}`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`images: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
