// Which images there are and what each carries above Node.
import { file, type FileEntry } from './file-tree.ts';
import { USER } from './base-layers.ts';
import type { ImageConfig } from './write-image.ts';

/** Layers that only some images have. */
export type ExtraLayer = 'packet-filter' | 'network-tools';

/** An image of a program. */
export interface ImageDefinition {
  readonly name: string;
  readonly description: string;
  /** Bundles below dist/ that it carries; the first is started. None: the image has no Node either. */
  readonly bundles: readonly string[];
  /** Folders of the project that it carries below /app. */
  readonly folders?: readonly string[];
  /** Npm packages with native code, which no bundle can hold. */
  readonly nativePackages?: readonly string[];
  /** Layers above the base's, besides Node's. */
  readonly extraLayers?: readonly ExtraLayer[];
  /** User and group; the mesh's own when absent. */
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: readonly FileEntry[];
  /** Tags: the mesh versions that it is built for, or one of its own. */
  readonly tags: 'mesh-versions' | readonly string[];
}

/** Versions of the mesh that images are built for. */
export const MESH_VERSIONS: readonly string[] = ['v3.0.0', 'v3.1.0'];
/** Tag of the sample applications, as their manifests name it. */
export const SAMPLE_TAG = 'v1';
/** Tag of the test tools. */
export const TEST_TOOLS_TAG = 'v1';

/** Mizzen's images. */
export const IMAGES: readonly ImageDefinition[] = [
  {
    name: 'mizzen-operator', description: 'Operator of the Mizzen service mesh', bundles: ['operator.js'], folders: ['templates', 'crds'],
    environment: { MIZZEN_TEMPLATES: '/app/templates', MIZZEN_CRDS: '/app/crds' }, tags: 'mesh-versions',
  },
  { name: 'mizzend', description: 'Control plane of the Mizzen service mesh', bundles: ['mizzend.js'], tags: 'mesh-versions' },
  {
    name: 'mizzen-proxy', description: 'Sidecar and gateway proxy of the Mizzen service mesh', bundles: ['proxy.js'], nativePackages: ['koffi'], tags: 'mesh-versions',
    // The name by which Istio's documentation calls the agent: kubectl exec POD -c istio-proxy -- pilot-agent request GET stats. There is no shell to start it.
    files: [file('usr/local/bin/pilot-agent', "#!/usr/local/bin/node\nimport('/app/proxy.js');\n", 0o755)],
  },
  {
    name: 'mizzen-cni', description: 'Node agent, CNI plugin and init container of the Mizzen service mesh', bundles: ['node-agent.js', 'cni.js'],
    extraLayers: ['packet-filter'], tags: 'mesh-versions',
  },
  ...['httpbin-httpbin', 'bookinfo-productpage', 'bookinfo-details', 'bookinfo-reviews', 'bookinfo-ratings'].map((program) => ({
    name: program === 'httpbin-httpbin' ? 'httpbin' : program, description: 'Sample application of the Mizzen service mesh', bundles: [`samples/${program}.js`], tags: [SAMPLE_TAG],
    // What the mesh's own user sends is not captured, so an application must not be that user.
    user: '1000:1000',
  })),
  { name: 'test-tools', description: 'Shell, curl, tcpdump and the like, for tests and for looking into a pod', bundles: [], extraLayers: ['packet-filter', 'network-tools'], user: '0:0', tags: [TEST_TOOLS_TAG] },
];

/** How the program of an image is started. */
export function imageConfig({ bundles, environment, user = `${USER}:${USER}` }: ImageDefinition, labels: Readonly<Record<string, string>>): ImageConfig {
  const program = bundles[0]?.split('/').at(-1);
  const shared = { user, workingDirectory: '/', labels };
  if (program === undefined) return { ...shared, command: ['sh'] };
  return { ...shared, entrypoint: ['node', `/app/${program}`], environment: { NODE_ENV: 'production', ...environment } };
}
