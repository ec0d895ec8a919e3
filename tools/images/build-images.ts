// Builds Mizzen's images into OCI archives. What is built already from the same input is left as it is.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { appFiles } from './app-layer.ts';
import { BASE_PACKAGES, nodeFiles, operatingSystemFiles, packagedFiles } from './base-layers.ts';
import { readLock, type DebianLock } from './debian-packages.ts';
import { imageConfig, IMAGES, MESH_VERSIONS, type ImageDefinition } from './definitions.ts';
import { sha256, writeAtOnce, writeLayer, type Layer } from './layer.ts';
import { PACKET_FILTER_PACKAGES, packetFilterLinks } from './packet-filter.ts';
import { providePrograms, sourceDigest, type Programs } from './programs.ts';
import { prepareImage, writeArchive, type ImageVariant, type Platform } from './write-image.ts';

/** What to build, and where to. */
export interface BuildOptions {
  readonly root: string;
  readonly output: string;
  readonly architectures: readonly Platform['architecture'][];
  /** Names of images; all when empty. */
  readonly only: readonly string[];
  /** Mesh versions; all when empty. */
  readonly versions: readonly string[];
  /** Where downloads and finished layers are kept. */
  readonly cache: string;
  /** Told in one line what is done. */
  readonly progress: (line: string) => void;
}

/** An image as images.json lists it. */
export interface BuiltImage {
  readonly name: string;
  readonly tag: string;
  readonly reference: string;
  /** The archive's file name, beside images.json. */
  readonly archive: string;
  /** Digest of the index over the platforms: what to pull by. */
  readonly digest: string;
  readonly platforms: readonly { readonly architecture: string; readonly digest: string; readonly compressedBytes: number; readonly uncompressedBytes: number }[];
  /** Digest over everything that the image was built from. */
  readonly input: string;
}

const REGISTRY = 'docker.io/mizzen';
const INPUTS = ['src', 'samples', 'templates', 'crds', 'tools/images', 'tools/build.ts', 'tools/program-version.ts', 'package-lock.json'];

/** Folder where downloads and layers are kept between runs. */
export function imageCache(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment['MIZZEN_CACHE'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mizzen'), 'images');
}

/** Builds the images asked for; resolves with all that were asked for, built now or before. */
export async function buildImages(options: BuildOptions): Promise<BuiltImage[]> {
  const { root, output, progress } = options;
  mkdirSync(output, { recursive: true });
  const lock = readLock(join(root, 'tools/images/debian.lock.json'));
  const created = creationTime(root);
  const input = sha256(JSON.stringify([sourceDigest(root, INPUTS), created, options.architectures, process.versions.node]));
  const before = readList(output);
  const layers = new LayerTable(options, lock);
  const built: BuiltImage[] = [];
  for (const { definition, tag } of chosen(options)) {
    const archive = `${definition.name}-${tag}.tar`;
    const present = before.find((image) => image.archive === archive && image.input === input);
    if (present !== undefined && existsSync(join(output, archive))) {
      built.push(present);
      continue;
    }
    const programs = await layers.programs(definition.tags === 'mesh-versions' ? tag : (MESH_VERSIONS.at(-1) ?? tag));
    const reference = `${REGISTRY}/${definition.name}:${tag}`;
    const variants: ImageVariant[] = [];
    for (const architecture of options.architectures) variants.push(await layers.variant(definition, tag, programs, architecture, created));
    const image = await prepareImage({ reference, output: join(output, archive), created, variants }, join(options.cache, 'layers'));
    await writeArchive(join(output, archive), [image]);
    const platforms = image.written.variants.map(({ platform, digest, layers: written }) => ({
      architecture: platform.architecture, digest, compressedBytes: total(written, 'size'), uncompressedBytes: total(written, 'uncompressedSize'),
    }));
    built.push({ name: definition.name, tag, reference, archive, digest: image.written.digest, platforms, input });
    progress(`${reference}@${image.written.digest}`);
  }
  writeList(output, before, built);
  return built;
}

function chosen({ only, versions }: BuildOptions): { definition: ImageDefinition; tag: string }[] {
  const unknown = only.find((name) => !IMAGES.some((image) => image.name === name));
  if (unknown !== undefined) throw new Error(`there is no image '${unknown}'. Known: ${IMAGES.map(({ name }) => name).join(', ')}`);
  return IMAGES.filter(({ name }) => only.length === 0 || only.includes(name))
    .flatMap((definition) => (definition.tags === 'mesh-versions' ? (versions.length === 0 ? MESH_VERSIONS : versions) : definition.tags).map((tag) => ({ definition, tag })));
}

/** Layers that several images share, each made once. */
class LayerTable {
  readonly #options: BuildOptions;
  readonly #lock: DebianLock;
  readonly #made = new Map<string, Promise<Layer>>();
  readonly #programs = new Map<string, Promise<Programs>>();

  constructor(options: BuildOptions, lock: DebianLock) {
    this.#options = options;
    this.#lock = lock;
  }

  programs(version: string): Promise<Programs> {
    const { root, cache, progress } = this.#options;
    return once(this.#programs, version, () => {
      progress(`programs of ${version}`);
      return providePrograms(root, version, join(cache, 'programs'));
    });
  }

  async variant(definition: ImageDefinition, tag: string, programs: Programs, architecture: Platform['architecture'], created: number): Promise<ImageVariant> {
    const { root, cache } = this.#options;
    const layers = [
      await this.#layer(`base ${architecture}`, async () => (await operatingSystemFiles(this.#lock, architecture, cache)).files),
      await this.#layer(`node ${architecture}`, () => nodeFiles(root, architecture, cache)),
      ...(definition.packetFilter === true ? [await this.#layer(`packet filter ${architecture}`, async () => [...(await packagedFiles(PACKET_FILTER_PACKAGES, this.#lock, architecture, cache)).files, ...packetFilterLinks()])] : []),
      await writeLayer({ files: await appFiles(root, definition, programs, architecture, cache) }, join(cache, 'layers')),
    ];
    const labels = {
      'org.opencontainers.image.title': definition.name, 'org.opencontainers.image.description': definition.description, 'org.opencontainers.image.version': tag,
      'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.created': new Date(created * 1000).toISOString(),
    };
    return { platform: { os: 'linux', architecture }, layers, config: imageConfig(definition, labels) };
  }

  #layer(name: string, files: () => Promise<Parameters<typeof writeLayer>[0]['files'] & object>): Promise<Layer> {
    return once(this.#made, name, async () => {
      this.#options.progress(`layer ${name}`);
      return await writeLayer({ files: await files() }, join(this.#options.cache, 'layers'));
    });
  }
}

function once<T>(table: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const made = table.get(key) ?? make();
  table.set(key, made);
  return made;
}

/** SOURCE_DATE_EPOCH, else when the inputs were last committed, else 0. See https://reproducible-builds.org/specs/source-date-epoch */
function creationTime(root: string): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct', '--', ...INPUTS], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim());
  } catch (_noRepository) {
    return 0;
  }
}

function readList(output: string): BuiltImage[] {
  const path = join(output, 'images.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { images: BuiltImage[] }).images : [];
}

function writeList(output: string, before: readonly BuiltImage[], built: readonly BuiltImage[]): void {
  const kept = before.filter((image) => !built.some(({ archive }) => archive === image.archive) && existsSync(join(output, image.archive)));
  const images = [...kept, ...built].sort((left, right) => (left.archive < right.archive ? -1 : 1));
  writeAtOnce(join(output, 'images.json'), `${JSON.stringify({ images }, null, 2)}\n`);
}

function total(layers: readonly Layer[], field: 'size' | 'uncompressedSize'): number {
  return layers.reduce((sum, layer) => sum + layer[field], 0);
}

/** Names of every Debian package that some image has. */
export function debianPackageNames(): string[] {
  return [...new Set([...BASE_PACKAGES, ...PACKET_FILTER_PACKAGES].map(({ name }) => name))].sort();
}
