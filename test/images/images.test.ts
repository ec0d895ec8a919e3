// The images as they are built: reproducible, small, without what they do not need, and saying what is in them. Needs apt for the Debian packages; skipped with a reason where there is none.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elfArchitecture, neededLibraries } from '../../tools/images/elf.ts';
import { buildImages, imageCache, readTar, type BuiltImage, type FileEntry } from '../../tools/images/index.ts';
import { blobOf, manifestOf, readArchive, type Archive, type Descriptor } from '../../tools/images/read-archive.ts';
import { unpackPackage } from '../../tools/images/debian-packages.ts';

const root = join(import.meta.dirname, '../..');
const cache = imageCache(process.env);
const PROGRAMS = ['mizzen-operator', 'mizzend', 'mizzen-proxy', 'mizzen-cni', 'httpbin'];
const ARCHITECTURES = ['amd64', 'arm64'] as const;
const MEGABYTE = 1_000_000;
/** Largest uncompressed sizes. */
const BOUNDS: Readonly<Record<string, number>> = { 'mizzen-operator': 160, mizzend: 145, 'mizzen-proxy': 122, 'mizzen-cni': 135, httpbin: 118, 'test-tools': 50 };
const missing = spawnSync('apt-get', ['--version']).status === 0 && spawnSync('dpkg-deb', ['--version']).status === 0 ? undefined : 'no apt and dpkg here to unpack Debian packages with';
if (missing !== undefined) process.stderr.write(`images: skipped: ${missing}\n`);

interface Image {
  readonly name: string;
  readonly architecture: string;
  /** What is at each path. */
  readonly files: ReadonlyMap<string, FileEntry>;
  readonly config: { readonly architecture: string; readonly config: { readonly User: string; readonly Entrypoint?: readonly string[]; readonly Env: readonly string[]; readonly Labels: Readonly<Record<string, string>> } };
  readonly uncompressedBytes: number;
}

let folder = '';
let built: BuiltImage[] = [];
let again: BuiltImage[] = [];
const images: Image[] = [];
/** Entries of the layers by digest: images share most of them. */
const layers = new Map<string, FileEntry[]>();

async function readImages({ name, archive, platforms }: BuiltImage): Promise<Image[]> {
  const content: Archive = await readArchive(join(folder, 'first', archive));
  const [index] = content.images;
  const read = async ({ digest, platform }: Descriptor): Promise<Image> => {
    const manifest = manifestOf(content, digest);
    const files = new Map<string, FileEntry>();
    for (const layer of manifest.layers ?? []) {
      const entries = layers.get(layer.digest) ?? (await readTar(Readable.from([gunzipSync(blobOf(content, layer.digest))])));
      layers.set(layer.digest, entries);
      for (const entry of entries) files.set(entry.path, entry);
    }
    const architecture = platform?.architecture ?? '';
    return {
      name, architecture, files, config: JSON.parse(blobOf(content, manifest.config?.digest ?? '').toString()) as Image['config'],
      uncompressedBytes: platforms.find((built) => built.architecture === architecture)?.uncompressedBytes ?? Infinity,
    };
  };
  const found: Image[] = [];
  for (const variant of manifestOf(content, index?.digest ?? '').manifests ?? []) found.push(await read(variant));
  return found;
}

const contentOf = (image: Image, path: string): Buffer => {
  const entry = image.files.get(path);
  return entry?.type === 'file' ? Buffer.from(entry.content) : Buffer.alloc(0);
};

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'mizzen-images-test-'));
  const options = { root, architectures: ARCHITECTURES, only: [...PROGRAMS, 'test-tools'], versions: ['v3.1.0'], cache, progress: () => undefined };
  built = await buildImages({ ...options, output: join(folder, 'first') });
  again = await buildImages({ ...options, only: ['mizzen-proxy', 'mizzen-cni'], output: join(folder, 'second'), layerCache: join(folder, 'layers') });
  for (const image of built) images.push(...(await readImages(image)));
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(missing !== undefined)('images', () => {
  test('the same input gives the same bytes, in another folder and with nothing kept from before', () => {
    for (const image of again) {
      expect(image).toEqual(built.find(({ name }) => name === image.name));
      expect(readFileSync(join(folder, 'second', image.archive)).equals(readFileSync(join(folder, 'first', image.archive)))).toBe(true);
    }
    expect(again).toHaveLength(2);
  });

  test('every image is there for both platforms, and images.json lists it', () => {
    expect(images.map(({ name, architecture }) => `${name} ${architecture}`).sort()).toEqual([...PROGRAMS, 'test-tools'].flatMap((name) => ARCHITECTURES.map((architecture) => `${name} ${architecture}`)).sort());
    const listed = (JSON.parse(readFileSync(join(folder, 'first/images.json'), 'utf8')) as { images: BuiltImage[] }).images;
    expect(listed.map(({ reference, digest }) => [reference, digest]).sort()).toEqual(built.map(({ reference, digest }) => [reference, digest]).sort());
  });

  test('files belong to root, and only the folders for temporary files can be written by all; nothing raises its caller\'s privilege', () => {
    for (const { files } of images) {
      for (const entry of files.values()) {
        expect([entry.uid ?? 0, entry.gid ?? 0], entry.path).toEqual([0, 0]);
        if (entry.type === 'symlink') continue;
        if (entry.path === 'tmp' || entry.path === 'var/tmp') expect(entry.mode).toBe(0o1777);
        else expect((entry.mode ?? 0) & 0o7022, entry.path).toBe(0);
      }
    }
  });

  test('programs run as a user of no privilege that the image knows, by a command that is there', () => {
    for (const image of images.filter(({ name }) => PROGRAMS.includes(name))) {
      const expected = image.name === 'httpbin' ? '1000:1000' : '1337:1337';
      expect(image.config.config.User).toBe(expected);
      expect(contentOf(image, 'etc/passwd').toString()).toContain('istio-proxy:x:1337:1337:');
      const [command, program = ''] = image.config.config.Entrypoint ?? [];
      expect(command).toBe('node');
      expect(image.files.get('usr/local/bin/node')).toMatchObject({ type: 'file', mode: 0o755 });
      expect(image.files.has(program.slice(1)), program).toBe(true);
      expect(image.config.architecture).toBe(image.architecture);
    }
  });

  test('no image of the mesh has a shell, a package manager or npm, and only the node agent\'s has the packet filter\'s tools', () => {
    for (const { name, files } of images.filter((image) => PROGRAMS.includes(image.name))) {
      const unwanted = [...files.keys()].filter((path) => /bin\/(sh|bash|dash|busybox|apt|apt-get|dpkg|npm|npx|corepack|yarn)$|\/node_modules\/npm\//.test(path));
      expect(unwanted, name).toEqual([]);
      expect([...files.keys()].some((path) => /bin\/(iptables|nft|ip|xtables-\S+)$/.test(path)), name).toBe(name === 'mizzen-cni');
    }
    const agent = images.find(({ name }) => name === 'mizzen-cni');
    for (const tool of ['iptables', 'iptables-restore', 'ip6tables-save', 'iptables-legacy', 'ip6tables-nft-restore', 'nft', 'ip']) expect(agent?.files.has(`usr/sbin/${tool}`) || agent?.files.has(`usr/bin/${tool}`), tool).toBe(true);
  });

  test('native files are for their platform, and the libraries that they ask for are in the image', () => {
    for (const { name, architecture, files } of images) {
      const present = new Set([...files.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1)));
      let natives = 0;
      for (const entry of files.values()) {
        if (entry.type !== 'file') continue;
        const content = Buffer.from(entry.content);
        const built = elfArchitecture(content);
        if (built === undefined) continue;
        natives += 1;
        expect(built, `${name}: ${entry.path}`).toBe(architecture);
        expect(neededLibraries(content).filter((library) => !present.has(library)), `${name} ${architecture}: ${entry.path}`).toEqual([]);
      }
      expect(natives).toBeGreaterThan(5);
    }
    const proxy = images.find(({ name, architecture }) => name === 'mizzen-proxy' && architecture === 'arm64');
    expect([...(proxy?.files.keys() ?? [])].filter((path) => path.endsWith('.node'))).toEqual(['app/node_modules/@koromix/koffi-linux-arm64/linux_arm64/koffi.node']);
  });

  test('images are small', () => {
    for (const { name, uncompressedBytes } of images) expect(uncompressedBytes / MEGABYTE, name).toBeLessThan(BOUNDS[name] ?? 0);
  });

  test('an image says what is in it, with versions and licenses, and has the license texts', () => {
    const proxy = images.find(({ name, architecture }) => name === 'mizzen-proxy' && architecture === 'amd64');
    if (proxy === undefined) throw new Error('no proxy');
    const bill = JSON.parse(contentOf(proxy, 'usr/share/doc/mizzen/sbom.cdx.json').toString()) as { bomFormat: string; components: { name: string; version: string; purl: string; licenses: unknown[] }[] };
    const locked = (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version: string }> }).packages;
    expect(bill.bomFormat).toBe('CycloneDX');
    for (const name of ['@grpc/grpc-js', 'koffi', '@bufbuild/protobuf', 're2js']) expect(bill.components).toContainEqual(expect.objectContaining({ name, version: locked[`node_modules/${name}`]?.version, licenses: [expect.anything()] }));
    expect(bill.components.map(({ name }) => name)).toEqual(expect.arrayContaining(['node', 'libc6', 'libstdc++6']));
    expect(bill.components.some(({ name }) => name === 'iptables' || name === 'zod')).toBe(false);
    expect(bill.components.find(({ name }) => name === 'libc6')?.licenses.length).toBeGreaterThan(0);
    expect(contentOf(proxy, 'usr/share/doc/mizzen/THIRD-PARTY-LICENSES.txt').toString()).toContain('Apache License');
    expect([...proxy.files.keys()]).toEqual(expect.arrayContaining(['usr/share/doc/libc6/copyright', 'usr/share/doc/node/LICENSE', 'usr/share/doc/mizzen/LICENSE']));
  });

  test('labels name the version that the program was built for', () => {
    for (const { name, config } of images) expect(config.config.Labels).toMatchObject({ 'org.opencontainers.image.title': name, 'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.version': PROGRAMS.slice(0, 4).includes(name) ? 'v3.1.0' : 'v1' });
  });

  test('the proxy of this platform starts from the image\'s files alone, by the name that pods call it by', () => {
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const proxy = images.find(({ name, architecture: built }) => name === 'mizzen-proxy' && built === architecture);
    const tree = join(folder, 'proxy');
    for (const entry of proxy?.files.values() ?? []) {
      const path = join(tree, entry.path);
      mkdirSync(entry.type === 'directory' ? path : dirname(path), { recursive: true });
      if (entry.type === 'file') writeFileSync(path, entry.content, { mode: entry.mode ?? 0o644 });
      if (entry.type === 'symlink') symlinkSync(entry.target, path);
    }
    const triplet = architecture === 'amd64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
    const loader = join(tree, `usr/lib/${triplet}`, architecture === 'amd64' ? 'ld-linux-x86-64.so.2' : 'ld-linux-aarch64.so.1');
    const run = (...args: string[]) => spawnSync(loader, ['--library-path', join(tree, `usr/lib/${triplet}`), join(tree, 'usr/local/bin/node'), ...args], { encoding: 'utf8', env: {} });
    expect(run(join(tree, 'app/proxy.js'), 'version')).toMatchObject({ stdout: 'mizzen-proxy 3.1.0\n', stderr: '', status: 0 });
    expect(run('-e', `process.stdout.write(typeof require(${JSON.stringify(join(tree, 'app/node_modules/koffi'))}).load)`).stdout).toBe('function');
    expect(contentOf(proxy as Image, 'usr/local/bin/pilot-agent').toString()).toMatch(/^#!\/usr\/local\/bin\/node\nimport\('\/app\/proxy\.js'\);\n$/);
  });

  test('a second build of what did not change writes nothing', async () => {
    const lines: string[] = [];
    const result = await buildImages({ root, architectures: ARCHITECTURES, only: ['mizzen-proxy', 'mizzen-cni'], versions: ['v3.1.0'], cache, output: join(folder, 'second'), progress: (line) => lines.push(line) });
    expect(result).toEqual(again);
    expect(lines).toEqual([]);
  }, 120_000);

  test('a locked Debian package that cannot be had any more is said clearly', async () => {
    const gone = { version: '0.0-gone', file: 'netbase_0.0-gone_all.deb', sha256: '0'.repeat(64) };
    await expect(unpackPackage({ release: 'bookworm', packages: { amd64: { netbase: gone }, arm64: {} } }, 'amd64', 'netbase', cache)).rejects.toThrow(/netbase 0\.0-gone \(amd64\) of the lock file cannot be had any more\. Run npm run images -- --update-lock/);
  }, 120_000);
});
