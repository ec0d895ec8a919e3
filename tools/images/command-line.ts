// Options of `npm run images`.
import { flag, someOf, text, type CommandLine, type Usage } from '../toolchain/options.ts';
import { IMAGES, MESH_VERSIONS } from './definitions.ts';
import type { Platform } from './write-image.ts';

const ARCHITECTURES: readonly Platform['architecture'][] = ['amd64', 'arm64'];
const NAMES = IMAGES.map(({ name }) => name);

const OPTIONS = {
  arch: someOf('ARCH', ARCHITECTURES, `${ARCHITECTURES.join(' or ')}, both when absent`),
  only: someOf('NAME', NAMES, `one image: ${NAMES.join(', ')}`),
  version: someOf('TAG', MESH_VERSIONS, `a mesh version to build for, ${MESH_VERSIONS.join(' and ')} when absent`, (given) => `v${given.replace(/^v/, '')}`),
  output: text('FOLDER', 'where the archives and images.json go; dist/images when absent'),
  push: text('URL', 'push them to this registry, e.g. http://127.0.0.1:5000 or https://registry.example.com/team'),
  manifests: text('FOLDER', 'write operator.yaml and the samples there, with every image by digest'),
  registry: text('NAME', 'what image references in the manifests start with; the registry pushed to, else docker.io/mizzen'),
  stage: text('FOLDER', 'write the layers as folders, for the Dockerfile, instead of images; for one --arch and --version'),
  'update-lock': flag('look up the newest versions of the Debian packages and write tools/images/debian.lock.json'),
};

/** What `npm run images` takes. */
export const IMAGES_USAGE: Usage<typeof OPTIONS> = {
  program: 'images',
  about: "Builds Mizzen's images as OCI archives, without a container engine.",
  options: OPTIONS,
};

/** A command line of `npm run images`. */
export type ImagesCommandLine = CommandLine<typeof OPTIONS>;

/** The platforms that are built for when none is chosen. */
export const ALL_ARCHITECTURES = ARCHITECTURES;
