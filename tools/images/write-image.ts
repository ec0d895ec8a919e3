// Writes images as one tar in the OCI image layout, for one platform or several, which `ctr images import`, `podman load` and skopeo take.
// Follows the OCI image specification 1.1: https://github.com/opencontainers/image-spec
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { pack } from 'tar-stream';
import { writeFailure } from './disk-space.ts';
import { sha256, writeLayer, type Layer, type LayerSource } from './layer.ts';

/** A platform as images name it. */
export interface Platform {
  readonly os: 'linux';
  readonly architecture: 'amd64' | 'arm64';
}

/** How the programs of an image are started. */
export interface ImageConfig {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What one platform's image consists of. A layer that was written before may stand in place of its source. */
export interface ImageVariant {
  readonly platform: Platform;
  readonly layers: readonly (LayerSource | Layer)[];
  readonly config: ImageConfig;
}

/** Where an image goes and what it is called, e.g. `docker.io/mizzen/mizzend:v3.1.0`. */
export interface ImageTarget {
  readonly reference: string;
  /** The archive to write. */
  readonly output: string;
  /** Seconds since 1970 that the image says it was made at; 0 when absent. */
  readonly created?: number;
  /** Where finished layers are kept between runs; a folder of this run when absent. */
  readonly layerCache?: string;
}

/** What was written for one platform. */
export interface WrittenVariant {
  readonly platform: Platform;
  readonly digest: string;
  readonly layers: readonly Layer[];
}

/** What was written. `digest` is the one to pull by: the index over the platforms. */
export interface WrittenImage {
  readonly reference: string;
  readonly output: string;
  readonly digest: string;
  readonly variants: readonly WrittenVariant[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Writes the image of one platform. */
export async function writeImage(image: ImageTarget & ImageVariant): Promise<WrittenImage> {
  const { platform, layers, config, ...target } = image;
  return await writeMultiPlatformImage({ ...target, variants: [{ platform, layers, config }] });
}

/** Writes an image with one variant a platform, under an index. */
export async function writeMultiPlatformImage(image: ImageTarget & { readonly variants: readonly ImageVariant[] }): Promise<WrittenImage> {
  const made = mkdtempSync(join(tmpdir(), 'mizzen-image-'));
  try {
    const prepared = await prepareImage(image, image.layerCache ?? made);
    await writeArchive(image.output, [prepared]);
    return prepared.written;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** An image whose documents and layers are there, not yet in an archive. */
export interface PreparedImage {
  readonly written: WrittenImage;
  readonly index: Descriptor;
  readonly documents: ReadonlyMap<string, Buffer>;
  readonly layers: ReadonlyMap<string, Layer>;
}

/** Writes the layers into the cache and makes the documents over them. */
export async function prepareImage(image: ImageTarget & { readonly variants: readonly ImageVariant[] }, cache: string): Promise<PreparedImage> {
  const documents = new Map<string, Buffer>();
  const layers = new Map<string, Layer>();
  const put = (mediaType: string, document: object): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = sha256(bytes);
    documents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const created = new Date((image.created ?? 0) * 1000).toISOString().replace('.000Z', 'Z');
  const variants: WrittenVariant[] = [];
  const manifests: object[] = [];
  for (const { platform, layers: sources, config } of image.variants) {
    const written: Layer[] = [];
    for (const source of sources) written.push('diffId' in source ? source : await writeLayer(source, cache));
    for (const layer of written) layers.set(layer.digest, layer);
    const configuration = put(CONFIG, imageConfiguration(platform, config, written, created));
    const manifest = put(MANIFEST, {
      schemaVersion: 2, mediaType: MANIFEST, config: configuration,
      layers: written.map(({ digest, size }) => ({ mediaType: LAYER, digest, size })),
      ...(config.labels === undefined ? {} : { annotations: config.labels }),
    });
    manifests.push({ ...manifest, platform });
    variants.push({ platform, digest: manifest.digest, layers: written });
  }
  const index = put(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
  return { written: { reference: image.reference, output: image.output, digest: index.digest, variants }, index, documents, layers };
}

function imageConfiguration(platform: Platform, config: ImageConfig, layers: readonly Layer[], created: string): object {
  const environment = { PATH: DEFAULT_PATH, ...config.environment };
  return {
    created, ...platform,
    config: {
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
      ...(config.command === undefined ? {} : { Cmd: config.command }),
      ...(config.user === undefined ? {} : { User: config.user }),
      ...(config.labels === undefined ? {} : { Labels: config.labels }),
      WorkingDir: config.workingDirectory ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created, created_by: 'mizzen images' })),
  };
}

/** Writes images into one archive; what they share is in it once. */
export async function writeArchive(output: string, images: readonly PreparedImage[]): Promise<void> {
  const blobs = new Map<string, Buffer | Layer>();
  for (const { documents, layers } of images) for (const [digest, blob] of [...documents, ...layers]) blobs.set(digest, blob);
  const index = {
    schemaVersion: 2, mediaType: INDEX,
    manifests: images.map(({ written, index: descriptor }) => ({
      ...descriptor,
      annotations: { 'io.containerd.image.name': written.reference, 'org.opencontainers.image.ref.name': written.reference },
    })),
  };
  const archive = pack();
  mkdirSync(dirname(output), { recursive: true });
  const partial = `${output}.${process.pid}.partial`;
  try {
    const fixed = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    const add = (name: string, bytes: Buffer | string) => archive.entry({ ...fixed, name, mode: 0o644 }, Buffer.from(bytes));
    add('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    add('index.json', JSON.stringify(index));
    for (const name of ['blobs/', 'blobs/sha256/']) archive.entry({ ...fixed, name, type: 'directory', mode: 0o755 });
    for (const [digest, blob] of [...blobs].sort(([left], [right]) => (left < right ? -1 : 1))) {
      add(`blobs/sha256/${digest.slice('sha256:'.length)}`, Buffer.isBuffer(blob) ? blob : readFileSync(blob.file));
    }
    archive.finalize();
    // Not by a pipeline: that destroys the archive with the error of the disk, which its entries then raise where nobody listens.
    await writeFile(partial, archive as AsyncIterable<Buffer>);
    renameSync(partial, output);
  } catch (error) {
    throw writeFailure(error, dirname(output), 'name another folder with --output');
  } finally {
    rmSync(partial, { force: true });
  }
}
