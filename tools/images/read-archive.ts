// Reads an OCI archive: the documents and layers of the images in it.
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { sha256 } from './layer.ts';

/** What points to a blob. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An archive's blobs by digest, and the images that its index names. */
export interface Archive {
  readonly images: readonly Descriptor[];
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** An index over platforms, or one platform's manifest. */
export interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

/** Reads an archive and checks that each blob is what its name says. */
export async function readArchive(path: string): Promise<Archive> {
  const blobs = new Map<string, Buffer>();
  let index: Manifest = {};
  const source = createReadStream(path);
  const unpack = extract();
  source.on('error', (error) => unpack.destroy(error));
  for await (const entry of source.pipe(unpack)) {
    const content = await buffer(entry);
    const digest = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(entry.header.name)?.[1];
    if (digest !== undefined) {
      if (sha256(content) !== `sha256:${digest}`) throw new Error(`${path} is damaged: the blob ${digest} has another content`);
      blobs.set(`sha256:${digest}`, content);
    } else if (entry.header.name === 'index.json') index = JSON.parse(content.toString()) as Manifest;
  }
  return { images: index.manifests ?? [], blobs };
}

/** An archive's blob; throws when it is not there. */
export function blobOf({ blobs }: Archive, digest: string): Buffer {
  const blob = blobs.get(digest);
  if (blob === undefined) throw new Error(`the archive has no blob ${digest}`);
  return blob;
}

/** A manifest or index of an archive. */
export function manifestOf(archive: Archive, digest: string): Manifest {
  return JSON.parse(blobOf(archive, digest).toString()) as Manifest;
}
