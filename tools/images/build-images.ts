// Builds Mizzen's images into OCI archives. What is built already from the same input is left as it is.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { keepNewest } from './cache.ts';
import { readLock } from './debian-packages.ts';
import { IMAGES, MESH_VERSIONS, type ImageDefinition } from './definitions.ts';
import { ImageLayers } from './image-layers.ts';
import { LayerFiles } from './layer-files.ts';
import { sha256, writeAtOnce, type Layer } from './layer.ts';
import { providePrograms, sourceDigest, type Programs } from './programs.ts';
import { stageLayers } from './stage.ts';
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
  /** Where downloads and bundles are kept. */
  readonly cache: string;
  /** Where finished layers are kept; in the cache when absent. */
  readonly layerCache?: string;
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

/** What the names of images in archives start with. */
export const REGISTRY = 'docker.io/mizzen';
/** Where the versions and digests of Debian packages are kept, from the project's folder. */
export const LOCK_FILE = 'tools/images/debian.lock.json';
/** Entries of the cache that a few builds use; older ones go. */
const PROGRAMS_KEPT = 4;
const LAYERS_KEPT = 120;
const TOOL_INPUTS = ['tools/images', 'LICENSE'];
const SAMPLE_INPUTS = [...TOOL_INPUTS, 'samples', 'tools/build.ts', 'package-lock.json'];
const PROGRAM_INPUTS = [...SAMPLE_INPUTS, 'src', 'templates', 'crds', 'tools/program-version.ts'];

interface Inputs {
  readonly created: number;
  readonly input: string;
}

/** Builds the images asked for; resolves with all that were asked for, built now or before. */
export async function buildImages(options: BuildOptions): Promise<BuiltImage[]> {
  const { root, output, cache, progress } = options;
  mkdirSync(output, { recursive: true });
  const inputsOf = remember((paths: readonly string[]): Inputs => {
    const created = creationTime(root, paths);
    return { created, input: sha256(JSON.stringify([sourceDigest(root, paths), created, options.architectures, process.versions.node])) };
  });
  const before = readList(output);
  const layers = new ImageLayers(layerFiles(options), layerFolder(options));
  const built: BuiltImage[] = [];
  for (const { definition, tag } of chosen(options)) {
    const { created, input } = inputsOf(inputPaths(definition));
    const present = before.find((image) => image.archive === archiveName(definition, tag) && image.input === input);
    if (present !== undefined && existsSync(join(output, present.archive))) built.push(present);
    else {
      const image = await buildImage({ definition, tag, created, input }, layers, options);
      built.push(image);
      progress(`${image.reference}@${image.digest}`);
    }
  }
  writeList(output, before, built);
  keepNewest(join(cache, 'programs'), PROGRAMS_KEPT);
  keepNewest(layerFolder(options), LAYERS_KEPT);
  return built;
}

/** The files of the project that an image is made of. */
function inputPaths({ bundles }: ImageDefinition): readonly string[] {
  if (bundles.length === 0) return TOOL_INPUTS;
  return bundles.every((bundle) => bundle.startsWith('samples/')) ? SAMPLE_INPUTS : PROGRAM_INPUTS;
}

function remember<Argument, Result>(compute: (argument: Argument) => Result): (argument: Argument) => Result {
  const known = new Map<Argument, Result>();
  return (argument) => {
    const result = known.get(argument) ?? compute(argument);
    known.set(argument, result);
    return result;
  };
}

async function buildImage({ definition, tag, created, input }: Inputs & { definition: ImageDefinition; tag: string }, layers: ImageLayers, options: BuildOptions): Promise<BuiltImage> {
  const programs = await programsFor(definition, tag, options);
  const variants: ImageVariant[] = [];
  for (const architecture of options.architectures) variants.push(await layers.variant({ definition, tag, programs, architecture }, created));
  const reference = `${REGISTRY}/${definition.name}:${tag}`;
  const archive = archiveName(definition, tag);
  const image = await prepareImage({ reference, output: join(options.output, archive), created, variants }, layerFolder(options));
  await writeArchive(join(options.output, archive), [image]);
  const platforms = image.written.variants.map(({ platform, digest, layers: written }) => ({
    architecture: platform.architecture, digest, compressedBytes: total(written, 'size'), uncompressedBytes: total(written, 'uncompressedSize'),
  }));
  return { name: definition.name, tag, reference, archive, digest: image.written.digest, platforms, input };
}

/** Writes the layers of images as folders, as the Dockerfile wants them: for one platform and one mesh version. */
export async function stageImages(options: Omit<BuildOptions, 'layerCache'>): Promise<void> {
  const [architecture = 'amd64', ...others] = options.architectures;
  const wanted = chosen({ ...options, versions: options.versions.length === 0 ? MESH_VERSIONS.slice(-1) : options.versions });
  if (others.length > 0 || new Set(wanted.map(({ definition }) => definition.name)).size < wanted.length) throw new Error('--stage is for one --arch and one --version at a time');
  const requests = [];
  for (const { definition, tag } of wanted) requests.push({ definition, tag, architecture, programs: await programsFor(definition, tag, options) });
  await stageLayers(layerFiles(options), requests, options.output);
}

function layerFiles({ root, cache, progress }: BuildOptions): LayerFiles {
  return new LayerFiles({ root, cache, progress, lock: readLock(join(root, LOCK_FILE)) });
}

function programsFor(definition: ImageDefinition, tag: string, { root, cache }: BuildOptions): Promise<Programs> {
  // What is not of a mesh version is built as the newest.
  return providePrograms(root, definition.tags === 'mesh-versions' ? tag : (MESH_VERSIONS.at(-1) ?? tag), cache);
}

function layerFolder({ cache, layerCache }: BuildOptions): string {
  return layerCache ?? join(cache, 'layers');
}

function archiveName({ name }: ImageDefinition, tag: string): string {
  return `${name}-${tag}.tar`;
}

function chosen({ only, versions }: BuildOptions): { definition: ImageDefinition; tag: string }[] {
  const unknown = only.find((name) => !IMAGES.some((image) => image.name === name));
  if (unknown !== undefined) throw new Error(`there is no image '${unknown}'. Known: ${IMAGES.map(({ name }) => name).join(', ')}`);
  return IMAGES.filter(({ name }) => only.length === 0 || only.includes(name))
    .flatMap((definition) => (definition.tags === 'mesh-versions' ? (versions.length === 0 ? MESH_VERSIONS : versions) : definition.tags).map((tag) => ({ definition, tag })));
}

/** SOURCE_DATE_EPOCH, else when the inputs were last committed, else 0. See https://reproducible-builds.org/specs/source-date-epoch */
function creationTime(root: string, paths: readonly string[]): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct', '--', ...paths], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim());
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
