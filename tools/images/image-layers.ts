// An image's layers, written: each that several images share is packed once a run.
import { imageConfig } from './definitions.ts';
import type { ImageRequest, LayerFiles, NamedLayer } from './layer-files.ts';
import { writeLayer, type Layer } from './layer.ts';
import type { ImageVariant } from './write-image.ts';

/** Packs the layers of a run's images. */
export class ImageLayers {
  readonly #files: LayerFiles;
  readonly #layerCache: string;
  readonly #written = new Map<string, Promise<Layer>>();

  constructor(files: LayerFiles, layerCache: string) {
    this.#files = files;
    this.#layerCache = layerCache;
  }

  /** The layers and the configuration of an image for a platform. */
  async variant(request: ImageRequest, created: number): Promise<ImageVariant> {
    const { definition, tag, architecture } = request;
    const layers: Layer[] = [];
    for (const layer of await this.#files.of(request)) layers.push(await this.#write(layer, architecture));
    const labels = {
      'org.opencontainers.image.title': definition.name, 'org.opencontainers.image.description': definition.description, 'org.opencontainers.image.version': tag,
      'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.created': new Date(created * 1000).toISOString().replace('.000Z', 'Z'),
    };
    return { platform: { os: 'linux', architecture }, layers, config: imageConfig(definition, labels) };
  }

  #write({ name, shared, files }: NamedLayer, architecture: string): Promise<Layer> {
    const key = `${name} ${architecture}`;
    const written = (shared ? this.#written.get(key) : undefined) ?? writeLayer({ files }, this.#layerCache);
    this.#written.set(key, written);
    return written;
  }
}
