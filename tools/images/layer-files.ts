// The files of an image, layer by layer. Layers that several images share are put together once a run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appFiles, appPackages } from './app-layer.ts';
import { BASE_PACKAGES, nodeFiles, nodeVersion, operatingSystemFiles, packagedFiles, type PackagedFiles } from './base-layers.ts';
import type { DebianLock } from './debian-packages.ts';
import type { ExtraLayer, ImageDefinition } from './definitions.ts';
import { file, type FileEntry } from './file-tree.ts';
import { PACKET_FILTER_PACKAGES, packetFilterLinks } from './packet-filter.ts';
import type { Programs } from './programs.ts';
import { licenseTexts, softwareBill } from './software-bill.ts';
import { TEST_TOOLS_PACKAGES, testToolsExtras } from './test-tools.ts';
import type { Platform } from './write-image.ts';

type Architecture = Platform['architecture'];

/** Where files come from. */
export interface FileSources {
  readonly root: string;
  readonly lock: DebianLock;
  readonly cache: string;
  readonly progress: (line: string) => void;
}

/** What an image is made of. */
export interface ImageRequest {
  readonly definition: ImageDefinition;
  readonly tag: string;
  readonly programs: Programs;
  readonly architecture: Architecture;
}

/** A layer by name: `base`, `node`, `packet-filter`, `network-tools`, or the image's own. */
export interface NamedLayer {
  readonly name: string;
  readonly shared: boolean;
  readonly files: readonly FileEntry[];
}

const LICENSE_FOLDER = 'usr/share/doc/mizzen';
/** Where an image says what is in it. */
export const BILL_PATH = `${LICENSE_FOLDER}/sbom.cdx.json`;

/** The layers of a run's images. */
export class LayerFiles {
  readonly #sources: FileSources;
  readonly #made = new Map<string, Promise<PackagedFiles>>();

  constructor(sources: FileSources) {
    this.#sources = sources;
  }

  /** The layers of an image, the lowest first. */
  async of(request: ImageRequest): Promise<NamedLayer[]> {
    const { definition, architecture } = request;
    const names = ['base' as const, ...(definition.bundles.length > 0 ? ['node' as const] : []), ...(definition.extraLayers ?? [])];
    const shared = [];
    for (const name of names) shared.push({ name, ...(await this.#shared(name, architecture)) });
    const own = await this.#own(request, shared);
    return [...shared.map(({ name, files }) => ({ name, shared: true, files })), { name: definition.name, shared: false, files: own }];
  }

  #shared(name: 'base' | 'node' | ExtraLayer, architecture: Architecture): Promise<PackagedFiles> {
    const key = `${name} ${architecture}`;
    const made = this.#made.get(key) ?? this.#make(name, architecture);
    this.#made.set(key, made);
    return made;
  }

  async #make(name: 'base' | 'node' | ExtraLayer, architecture: Architecture): Promise<PackagedFiles> {
    const { root, lock, cache, progress } = this.#sources;
    progress(`layer ${name} ${architecture}`);
    if (name === 'base') return await operatingSystemFiles(lock, architecture, cache);
    if (name === 'node') return { files: await nodeFiles(root, architecture, cache), packages: [] };
    const { files, packages } = await packagedFiles(name === 'packet-filter' ? PACKET_FILTER_PACKAGES : TEST_TOOLS_PACKAGES, lock, architecture, cache);
    return { files: [...files, ...(name === 'packet-filter' ? packetFilterLinks() : testToolsExtras(files))], packages };
  }

  async #own({ definition, tag, programs, architecture }: ImageRequest, shared: readonly PackagedFiles[]): Promise<FileEntry[]> {
    const { root, lock, cache } = this.#sources;
    const bundled = appPackages(root, definition, programs, architecture);
    const bill = softwareBill({
      image: `mizzen/${definition.name}`, version: tag, architecture, bundled, debian: shared.flatMap(({ packages }) => packages), debianRelease: lock.release,
      node: definition.bundles.length > 0 ? nodeVersion(root, architecture) : undefined,
    });
    return [
      ...(await appFiles(root, definition, programs, architecture, cache)),
      file(BILL_PATH, bill), file(`${LICENSE_FOLDER}/LICENSE`, readFileSync(join(root, 'LICENSE'))),
      ...(bundled.length > 0 ? [file(`${LICENSE_FOLDER}/THIRD-PARTY-LICENSES.txt`, licenseTexts(root, bundled))] : []),
    ];
  }
}

/** Names of every Debian package that some image has. */
export function debianPackageNames(): string[] {
  return [...new Set([...BASE_PACKAGES, ...PACKET_FILTER_PACKAGES, ...TEST_TOOLS_PACKAGES].map(({ name }) => name))].sort();
}
