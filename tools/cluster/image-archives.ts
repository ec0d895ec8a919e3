// Whether the files that a cluster is to load as images are archives of images, asked before anything boots.
import { attempt } from './command.ts';
import { ClusterError } from './errors.ts';

/** Members that tell an archive of images: of the OCI image layout, and of `docker save`. */
const INDEXES = /^(\.\/)?(index|manifest)\.json$/m;

/** Throws for the first file that is no tar archive with an index of images. */
export async function checkImageArchives(files: readonly string[]): Promise<void> {
  for (const path of files) {
    const { status, stdout } = await attempt(['tar', '--list', '--file', path]);
    if (status === 0 && INDEXES.test(stdout)) continue;
    throw new ClusterError('CLUSTER_IMAGE', `${path} is no archive of images: ${status === 0 ? 'it has neither index.json nor manifest.json' : 'tar cannot read it'}. \`npm run images\` makes the mesh's in dist/images; \`podman save\` and \`docker save\` write others`);
  }
}
