// Sends images to a registry: https://github.com/opencontainers/distribution-spec 1.1, section "Pushing". For registries without log-in, as on a loopback or in a laboratory;
// skopeo and crane push the same archives to others.
import { join } from 'node:path';
import type { BuiltImage } from './build-images.ts';
import { blobOf, manifestOf, readArchive, type Archive, type Descriptor, type Manifest } from './read-archive.ts';

/** Where images go. */
export interface PushOptions {
  /** Folder with the archives. */
  readonly output: string;
  /** Address of the registry, with the path below which the repositories are when it has one: http://127.0.0.1:5000/team. */
  readonly registry: string;
  readonly progress: (line: string) => void;
}

/** The registry and path that image references start with. */
export function referencePrefix(registry: string): string {
  const { host, pathname } = parseRegistry(registry);
  const path = pathname.replace(/^\/+|\/+$/g, '');
  return `${host}/${path === '' ? 'mizzen' : path}`;
}

/** Pushes images with their tags; what the registry has already is not sent again. */
export async function pushImages(images: readonly BuiltImage[], { output, registry, progress }: PushOptions): Promise<void> {
  const { origin } = parseRegistry(registry);
  const place = referencePrefix(registry).slice(new URL(origin).host.length + 1);
  let home: string | undefined;
  for (const image of images) {
    const repository = new Repository(origin, `${place}/${image.name}`, home);
    const archive = await readArchive(join(output, image.archive));
    if (!archive.images.some(({ digest }) => digest === image.digest)) throw new Error(`${image.archive} does not hold ${image.name}@${image.digest}: it was built anew since images.json was read; run the command again`);
    await repository.push(archive, image.tag);
    home = repository.name;
    progress(`pushed ${referencePrefix(registry)}/${image.name}:${image.tag}`);
  }
}

/** One repository of a registry. */
class Repository {
  readonly name: string;
  readonly #base: string;
  readonly #sibling: string | undefined;

  /** `sibling` is a repository of the registry that may have the same blobs. */
  constructor(origin: string, name: string, sibling: string | undefined) {
    this.name = name;
    this.#base = `${origin}/v2/${name}`;
    this.#sibling = sibling === name ? undefined : sibling;
  }

  async push(archive: Archive, tag: string): Promise<void> {
    for (const image of archive.images) await this.#pushManifest(archive, image, tag);
  }

  async #pushManifest(archive: Archive, descriptor: Descriptor, reference: string): Promise<void> {
    const manifest: Manifest = manifestOf(archive, descriptor.digest);
    for (const variant of manifest.manifests ?? []) await this.#pushManifest(archive, variant, variant.digest);
    for (const blob of [...(manifest.config === undefined ? [] : [manifest.config]), ...(manifest.layers ?? [])]) await this.#pushBlob(archive, blob.digest);
    const answer = await send(`${this.#base}/manifests/${reference}`, 'PUT', [201], blobOf(archive, descriptor.digest), descriptor.mediaType);
    const stored = answer.headers.get('docker-content-digest');
    if (stored !== null && stored !== descriptor.digest) throw new Error(`the registry stored ${this.name}:${reference} as ${stored} instead of ${descriptor.digest}`);
  }

  async #pushBlob(archive: Archive, digest: string): Promise<void> {
    if ((await send(`${this.#base}/blobs/${digest}`, 'HEAD', [200, 404])).status === 200) return;
    const mount = this.#sibling === undefined ? '' : `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(this.#sibling)}`;
    const started = await send(`${this.#base}/blobs/uploads/${mount}`, 'POST', [201, 202]);
    if (started.status === 201) return;
    const location = new URL(started.headers.get('location') ?? '', this.#base);
    location.searchParams.set('digest', digest);
    await send(location.href, 'PUT', [201], blobOf(archive, digest), 'application/octet-stream');
  }
}

async function send(url: string, method: string, expected: readonly number[], body?: Buffer, contentType?: string): Promise<Response> {
  const { origin, pathname } = new URL(url);
  let answer: Response;
  try {
    answer = await fetch(url, { method, ...(body === undefined ? {} : { body: new Uint8Array(body), headers: { 'content-type': contentType ?? '' } }) });
  } catch (error) {
    throw new Error(`the registry ${origin} does not answer; is it running, and is the scheme (http or https) right?`, { cause: error });
  }
  if (expected.includes(answer.status)) {
    await answer.arrayBuffer();
    return answer;
  }
  const text = (await answer.text()).trim().slice(0, 300);
  const advice = answer.status === 401 ? '; this registry asks for a log-in: push the archives with skopeo or crane (docs/operate/installation.md)' : '';
  throw new Error(`the registry answered ${method} ${pathname} with ${answer.status}${text === '' ? '' : `: ${text}`}${advice}`);
}

function parseRegistry(registry: string): URL {
  if (!/^https?:\/\//.test(registry) || !URL.canParse(registry)) throw new Error(`--push takes the registry's address with its scheme, such as http://127.0.0.1:5000; '${registry}' is none`);
  return new URL(registry);
}
