// The container runtime of a node: containerd with Debian's packages, its images, and the registries that it may pull from.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attempt, waitUntil } from './command.ts';
import type { NodeLayout } from './layout.ts';
import { privateFolder, type NodeNamespaces } from './node-namespaces.ts';
import type { ComponentCommand } from './supervisor.ts';

/** The runtime's socket, in the node's private /run. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** Where pods find the plugins' binaries and configuration: the paths that installers of CNI plugins expect. */
export const CNI_BINARIES = '/opt/cni/bin';

/** The folder of network configurations, in the node's private /etc. */
export const CNI_CONFIGURATION = '/etc/cni/net.d';

const REGISTRIES = '/etc/containerd/certs.d';
const CTR = ['ctr', '--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io'];
const START_MILLISECONDS = 120_000;
const IMPORT_MILLISECONDS = 5 * 60_000;

/** Writes containerd's configuration; gives the command that runs it. */
export function containerdComponent(node: NodeLayout, pauseImage: string, snapshotter: string): ComponentCommand {
  const file = join(node.folder, 'containerd.toml');
  writeFileSync(file, configuration(node, pauseImage, snapshotter));
  // Its shims and runc take it over; a runc that is killed during an exec leaves files there, which go with the cluster.
  const temporary = join(node.folder, 'tmp');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  return { name: 'containerd', command: ['containerd', '--config', file], env: { TMPDIR: temporary } };
}

// Restricted OOM scores, no AppArmor and plain cgroups: the runtime may run where it lacks the capability to raise limits, and where no systemd runs.
function configuration(node: NodeLayout, pauseImage: string, snapshotter: string): string {
  return `version = 2
root = "${join(node.folder, 'containerd')}"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.restart", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_BINARIES}"
    conf_dir = "${CNI_CONFIGURATION}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${REGISTRIES}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

/** Waits until the runtime answers. */
export async function waitForContainerd(namespaces: NodeNamespaces, log: () => string): Promise<void> {
  await waitUntil(async () => ((await namespaces.attempt([...CTR, 'version'])).status === 0 ? true : undefined), START_MILLISECONDS, () => `containerd of ${namespaces.node.name} does not answer: ${log()}`);
}

/** Loads image archives, one after another as each keeps the disk busy. An image is found by its name and by its digest then; one that is there already only gets its name. */
export async function importImages(namespaces: NodeNamespaces, archives: readonly string[], snapshotter: string): Promise<void> {
  const present = new Set((await namespaces.run([...CTR, 'images', 'list', '--quiet'])).split('\n'));
  for (const archive of archives) {
    const images = (await imagesIn(archive)).map(({ name, digest }) => ({ name, byDigest: `${name.replace(/:[^:/]*$/, '')}@${digest}` }));
    const known = images.length > 0 && images.every(({ byDigest }) => present.has(byDigest));
    if (!known) await namespaces.run([...CTR, 'images', 'import', '--snapshotter', snapshotter, archive], { timeoutMilliseconds: IMPORT_MILLISECONDS });
    for (const { name, byDigest } of images) await namespaces.run([...CTR, 'images', 'tag', '--force', ...(known ? [byDigest, name] : [name, byDigest])]);
  }
}

/** Names and digests of the images in an OCI archive; a Docker archive has no digests. */
async function imagesIn(archive: string): Promise<{ readonly name: string; readonly digest: string }[]> {
  const result = await attempt(['tar', '-xOf', archive, 'index.json']);
  if (result.status !== 0) return [];
  const index = JSON.parse(result.stdout) as { readonly manifests?: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[] };
  return (index.manifests ?? []).flatMap(({ digest, annotations }) => {
    const name = annotations?.['io.containerd.image.name'];
    return name === undefined ? [] : [{ name, digest }];
  });
}

/** Says where the images of a registry are pulled from: from `address`, which speaks plain HTTP. Read anew at each pull. */
export function writeRegistry(node: NodeLayout, registry: string, address: string): void {
  const file = join(privateFolder(node, REGISTRIES), registry, 'hosts.toml');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `server = "http://${address}"\n\n[host."http://${address}"]\n  capabilities = ["pull", "resolve"]\n`);
}
