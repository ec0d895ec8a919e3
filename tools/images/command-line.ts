// Options of `npm run images`.
import { parseArgs } from 'node:util';
import { IMAGES, MESH_VERSIONS } from './definitions.ts';
import type { Platform } from './write-image.ts';

/** What the command line asks for. */
export interface Request {
  readonly help: boolean;
  readonly updateLock: boolean;
  readonly architectures: readonly Platform['architecture'][];
  readonly only: readonly string[];
  readonly versions: readonly string[];
  readonly output: string | undefined;
  /** Registry to push to. */
  readonly push: string | undefined;
  /** What references in manifests start with, when it is not the registry pushed to. */
  readonly registry: string | undefined;
  readonly manifests: string | undefined;
  /** Where to put the layers as folders instead of building images. */
  readonly stage: string | undefined;
}

const ARCHITECTURES: readonly Platform['architecture'][] = ['amd64', 'arm64'];

/** Text of --help. */
export const HELP = `npm run images -- [options]
Builds Mizzen's images as OCI archives, without a container engine.

  --arch ARCH       ${ARCHITECTURES.join(' or ')}; may be repeated; both when absent
  --only NAME       one image; may be repeated. ${IMAGES.map(({ name }) => name).join(', ')}
  --version TAG     a mesh version to build for; may be repeated; ${MESH_VERSIONS.join(' and ')} when absent
  --output FOLDER   where the archives and images.json go; dist/images when absent
  --push URL        push them to this registry, e.g. http://127.0.0.1:5000 or https://registry.example.com/team
  --manifests FOLDER  write operator.yaml and the samples there, with every image by digest
  --registry NAME   what image references in the manifests start with; the registry pushed to, else docker.io/mizzen
  --stage FOLDER    write the layers as folders, for the Dockerfile, instead of images; for one --arch and --version
  --update-lock     look up the newest versions of the Debian packages and write tools/images/debian.lock.json
  --help            this text
`;

/** Parses the arguments; throws with what is wrong. */
export function parseRequest(args: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...args], allowPositionals: false,
    options: {
      arch: { type: 'string', multiple: true }, only: { type: 'string', multiple: true }, version: { type: 'string', multiple: true }, output: { type: 'string' },
      push: { type: 'string' }, manifests: { type: 'string' }, registry: { type: 'string' }, stage: { type: 'string' },
      'update-lock': { type: 'boolean' }, help: { type: 'boolean' },
    },
  });
  const architectures = (values.arch ?? ARCHITECTURES).map((name) => {
    const known = ARCHITECTURES.find((architecture) => architecture === name);
    if (known === undefined) throw new Error(`--arch is ${ARCHITECTURES.join(' or ')}, not '${name}'`);
    return known;
  });
  const versions = (values.version ?? []).map((version) => (/^v?\d/.test(version) ? `v${version.replace(/^v/, '')}` : version));
  return { help: values.help === true, updateLock: values['update-lock'] === true, architectures, only: values.only ?? [], versions, output: values.output, push: values.push, registry: values.registry, manifests: values.manifests, stage: values.stage };
}
