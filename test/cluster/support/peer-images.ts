// Images of other people's programs for tests: a stock Envoy run by our agent, fortio, gRPC's interoperability programs, and FerretDB. Written on the spot and
// imported into the nodes; never part of a release.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { file, readTar, writeImage, type FileEntry, type ImageConfig } from '../../../tools/images/index.ts';
import { blobOf, manifestOf, readArchive } from '../../../tools/images/read-archive.ts';
import { provideEnvoy, provideGoProgram, type Peer } from '../../../tools/peers/index.ts';
import { clusterUnderTest } from './cluster-under-test.ts';

/** Our proxy's image with an Envoy that its agent runs in place of our own data plane. */
export const ENVOY_PROXY_IMAGE = 'docker.io/mizzen/test-envoy-proxy:v1';
/** fortio, to serve and to ask. */
export const FORTIO_IMAGE = 'docker.io/mizzen/test-fortio:v1';
/** The client and the server of gRPC's interoperability cases. */
export const GRPC_INTEROP_IMAGE = 'docker.io/mizzen/test-grpc-interop:v1';
/** FerretDB, which speaks MongoDB's protocol; its argument is the address to listen on. */
export const FERRETDB_IMAGE = 'docker.io/mizzen/test-ferretdb:v1';

const IMAGE_FOLDER = fileURLToPath(new URL('../../../.cache/cluster-images', import.meta.url));
const ENVOY_PATH = '/usr/local/bin/envoy';

/** The path of a peer's program; throws with the reason where it is not to be had. */
function pathOf(peer: Peer): string {
  if (!peer.found) throw new Error(peer.reason);
  return peer.path;
}

/** Writes an image of `files` and lets every node have it. */
async function provide(reference: string, files: readonly FileEntry[], config: ImageConfig): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'peer-image-'));
  try {
    const output = join(folder, 'image.tar');
    await writeImage({ reference, output, platform: { os: 'linux', architecture: 'amd64' }, layers: [{ files }], config });
    for (const node of clusterUnderTest().cluster.nodes) await node.importImages([output]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the image of our agent with an Envoy, from the proxy's image that the ring's runner built. */
export async function provideEnvoyProxyImage(): Promise<void> {
  const archive = await readArchive(join(IMAGE_FOLDER, 'mizzen-proxy-v3.1.0.tar'));
  const platforms = manifestOf(archive, archive.images[0]?.digest ?? '').manifests ?? [];
  const manifest = manifestOf(archive, platforms.find(({ platform }) => platform?.architecture === 'amd64')?.digest ?? '');
  const { config } = JSON.parse(blobOf(archive, manifest.config?.digest ?? '').toString()) as { config: { Entrypoint?: string[]; Env?: string[]; User?: string } };
  const files: FileEntry[] = [];
  for (const { digest } of manifest.layers ?? []) files.push(...await readTar(Readable.from(gunzipSync(blobOf(archive, digest)))));
  await provide(ENVOY_PROXY_IMAGE, [...files, file(ENVOY_PATH.slice(1), readFileSync(pathOf(await provideEnvoy())), 0o755)], {
    entrypoint: config.Entrypoint ?? [], user: config.User ?? '1337:1337', workingDirectory: '/',
    environment: { ...Object.fromEntries((config.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)])), ENVOY_BINARY_PATH: ENVOY_PATH },
  });
}

/** Makes the image of fortio. */
export async function provideFortioImage(): Promise<void> {
  await provide(FORTIO_IMAGE, [file('usr/bin/fortio', readFileSync(pathOf(await provideGoProgram('fortio'))), 0o755)], { entrypoint: ['/usr/bin/fortio'], command: ['server'], user: '1000:1000', environment: { PATH: '/usr/bin' } });
}

/** Makes the image of FerretDB. */
export async function provideFerretDbImage(): Promise<void> {
  await provide(FERRETDB_IMAGE, [file('usr/bin/ferretdb', readFileSync(pathOf(await provideGoProgram('ferretdb'))), 0o755)], { entrypoint: ['/usr/bin/ferretdb'], user: '1000:1000', workingDirectory: '/', environment: { PATH: '/usr/bin' } });
}

/** Makes the image of gRPC's interoperability programs. */
export async function provideGrpcInteropImage(): Promise<void> {
  const [client, server] = [await provideGoProgram('grpc-interop-client'), await provideGoProgram('grpc-interop-server')];
  await provide(GRPC_INTEROP_IMAGE, [file('usr/bin/interop-client', readFileSync(pathOf(client)), 0o755), file('usr/bin/interop-server', readFileSync(pathOf(server)), 0o755)], { entrypoint: ['/usr/bin/interop-server'], command: ['--port=10000'], user: '1000:1000', environment: { PATH: '/usr/bin' } });
}
