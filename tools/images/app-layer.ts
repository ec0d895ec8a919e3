// The layer with a program: its bundle, what the bundle needs beside it, and nothing else.
import { join } from 'node:path';
import type { ImageDefinition } from './definitions.ts';
import { withoutDebugSymbols } from './elf.ts';
import { file, readTree, type FileEntry } from './file-tree.ts';
import { provideNpmPackage } from './npm-packages.ts';
import type { Programs } from './programs.ts';
import { bundledPackages, type BundledPackage } from './software-bill.ts';
import type { Platform } from './write-image.ts';

const NODE_ARCHITECTURES: Readonly<Record<Platform['architecture'], string>> = { amd64: 'x64', arm64: 'arm64' };

/** Files of an image's own layer. */
export async function appFiles(root: string, definition: ImageDefinition, programs: Programs, architecture: Platform['architecture'], cache: string): Promise<FileEntry[]> {
  if (definition.bundles.length === 0) return [...(definition.files ?? [])];
  // Without their source maps: once an error is written, Node holds the maps, which is more than the programs themselves take; the bundles can be read as they are.
  const bundles = definition.bundles.map((bundle) => file(`app/${bundle.split('/').at(-1) ?? ''}`, programs.read(bundle)));
  // Without it Node would have to guess that these are modules, at each start.
  const type = file('app/package.json', '{ "type": "module" }\n');
  const folders = (definition.folders ?? []).flatMap((folder) => readTree(join(root, folder), `app/${folder}`));
  const native = definition.nativePackages?.includes('koffi') === true ? await koffiFiles(root, architecture, cache) : [];
  return [type, ...bundles, ...folders, ...native, ...(definition.files ?? [])];
}

/** The npm packages that an image's programs consist of. */
export function appPackages(root: string, definition: ImageDefinition, programs: Programs, architecture: Platform['architecture']): BundledPackage[] {
  const native = definition.nativePackages ?? [];
  return bundledPackages(root, definition.bundles.flatMap((bundle) => programs.sources(bundle)), [...native, ...(native.includes('koffi') ? [`@koromix/koffi-linux-${NODE_ARCHITECTURES[architecture]}`] : [])]);
}

/** The foreign function library with the one native file of the platform. */
async function koffiFiles(root: string, architecture: Platform['architecture'], cache: string): Promise<FileEntry[]> {
  const platform = `linux-${NODE_ARCHITECTURES[architecture]}`;
  const nativeFile = `linux_${NODE_ARCHITECTURES[architecture]}/koffi.node`;
  const library = await provideNpmPackage(root, 'koffi', cache);
  const native = await provideNpmPackage(root, `@koromix/koffi-${platform}`, cache);
  return [
    ...['package.json', 'index.cjs', 'LICENSE.txt', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'].map((path) => file(`app/node_modules/koffi/${path}`, library.read(path))),
    ...['package.json', 'index.js'].map((path) => file(`app/node_modules/@koromix/koffi-${platform}/${path}`, native.read(path))),
    file(`app/node_modules/@koromix/koffi-${platform}/${nativeFile}`, withoutDebugSymbols(native.read(nativeFile))),
  ];
}
