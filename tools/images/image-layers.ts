// Puts an image together from its layers; those that several images share are made once a run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appFiles, appPackages } from './app-layer.ts';
import { BASE_PACKAGES, nodeFiles, nodeVersion, operatingSystemFiles, packagedFiles, type PackagedFiles } from './base-layers.ts';
import type { DebianLock, UnpackedPackage } from './debian-packages.ts';
import { imageConfig, type ExtraLayer, type ImageDefinition } from './definitions.ts';
import { file } from './file-tree.ts';
import { writeLayer, type Layer } from './layer.ts';
import { PACKET_FILTER_PACKAGES, packetFilterLinks } from './packet-filter.ts';
import type { Programs } from './programs.ts';
import { licenseTexts, softwareBill } from './software-bill.ts';
import { TEST_TOOLS_PACKAGES, testToolsExtras } from './test-tools.ts';
import type { ImageVariant, Platform } from './write-image.ts';

type Architecture = Platform['architecture'];

/** Where things come from and go to. */
export interface LayerOptions {
  readonly root: string;
  readonly lock: DebianLock;
  readonly cache: string;
  readonly layerCache: string;
  readonly progress: (line: string) => void;
}

/** A layer and what it has of Debian. */
interface MadeLayer {
  readonly layer: Layer;
  readonly packages: readonly UnpackedPackage[];
}

/** What a variant is made of. */
export interface VariantRequest {
  readonly definition: ImageDefinition;
  readonly tag: string;
  readonly programs: Programs;
  readonly architecture: Architecture;
  readonly created: number;
}

const LICENSE_FOLDER = 'usr/share/doc/mizzen';
/** Where an image says what is in it. */
export const BILL_PATH = `${LICENSE_FOLDER}/sbom.cdx.json`;

/** The layers of a run. */
export class ImageLayers {
  readonly #options: LayerOptions;
  readonly #made = new Map<string, Promise<MadeLayer>>();

  constructor(options: LayerOptions) {
    this.#options = options;
  }

  /** The layers and the configuration of an image for a platform. */
  async variant(request: VariantRequest): Promise<ImageVariant> {
    const { definition, tag, architecture, created } = request;
    const shared = [await this.#base(architecture)];
    if (definition.bundles.length > 0) shared.push(await this.#node(architecture));
    for (const name of definition.extraLayers ?? []) shared.push(await this.#extra(name, architecture));
    const own = await this.#own(request, shared.flatMap(({ packages }) => packages));
    const labels = {
      'org.opencontainers.image.title': definition.name, 'org.opencontainers.image.description': definition.description, 'org.opencontainers.image.version': tag,
      'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.created': new Date(created * 1000).toISOString().replace('.000Z', 'Z'),
    };
    return { platform: { os: 'linux', architecture }, layers: [...shared.map(({ layer }) => layer), own], config: imageConfig(definition, labels) };
  }

  #base(architecture: Architecture): Promise<MadeLayer> {
    const { lock, cache } = this.#options;
    return this.#once(`base ${architecture}`, () => operatingSystemFiles(lock, architecture, cache));
  }

  #node(architecture: Architecture): Promise<MadeLayer> {
    const { root, cache } = this.#options;
    return this.#once(`node ${architecture}`, async () => ({ files: await nodeFiles(root, architecture, cache), packages: [] }));
  }

  #extra(name: ExtraLayer, architecture: Architecture): Promise<MadeLayer> {
    const { lock, cache } = this.#options;
    return this.#once(`${name} ${architecture}`, async () => {
      const { files, packages } = await packagedFiles(name === 'packet-filter' ? PACKET_FILTER_PACKAGES : TEST_TOOLS_PACKAGES, lock, architecture, cache);
      return { files: [...files, ...(name === 'packet-filter' ? packetFilterLinks() : testToolsExtras(files))], packages };
    });
  }

  async #own(request: VariantRequest, debian: readonly UnpackedPackage[]): Promise<Layer> {
    const { definition, tag, programs, architecture } = request;
    const { root, lock, cache, layerCache } = this.#options;
    const bundled = appPackages(root, definition, programs, architecture);
    const bill = softwareBill({
      image: `mizzen/${definition.name}`, version: tag, architecture, bundled, debian, debianRelease: lock.release, node: definition.bundles.length > 0 ? nodeVersion(root, architecture) : undefined,
    });
    const files = [
      ...(await appFiles(root, definition, programs, architecture, cache)),
      file(BILL_PATH, bill), file(`${LICENSE_FOLDER}/LICENSE`, readFileSync(join(root, 'LICENSE'))),
      ...(bundled.length > 0 ? [file(`${LICENSE_FOLDER}/THIRD-PARTY-LICENSES.txt`, licenseTexts(root, bundled))] : []),
    ];
    return await writeLayer({ files }, layerCache);
  }

  #once(name: string, make: () => Promise<PackagedFiles>): Promise<MadeLayer> {
    const made = this.#made.get(name) ?? this.#make(name, make);
    this.#made.set(name, made);
    return made;
  }

  async #make(name: string, make: () => Promise<PackagedFiles>): Promise<MadeLayer> {
    this.#options.progress(`layer ${name}`);
    const { files, packages } = await make();
    return { layer: await writeLayer({ files }, this.#options.layerCache), packages };
  }
}

/** Names of every Debian package that some image has. */
export function debianPackageNames(): string[] {
  return [...new Set([...BASE_PACKAGES, ...PACKET_FILTER_PACKAGES, ...TEST_TOOLS_PACKAGES].map(({ name }) => name))].sort();
}
