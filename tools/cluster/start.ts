// Starts a cluster of whole nodes: namespaces and cables first, then the control plane on the first node, then kubelets and service proxies, then DNS.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { kubernetesVersion, nodeBinaries, type ClusterBinaries } from './binaries.ts';
import { hostRoutes, layCables } from './cables.ts';
import { ClusterAuthority, createServiceAccountKeys } from './certificates.ts';
import { cancellable, together } from '../toolchain/cancellation.ts';
import { removeCluster } from './cleanup.ts';
import { attempt } from './command.ts';
import { containerdComponent, importImages, waitForContainerd } from './containerd.ts';
import { apiServerComponent, controllerManagerComponent, etcdComponent, schedulerComponent, type ControlPlaneOptions } from './control-plane.ts';
import { installPodNetwork } from './cni.ts';
import { corednsManifests } from './coredns.ts';
import { ClusterError } from './errors.ts';
import { raiseHostSettings } from './host-settings.ts';
import { checkImageArchives } from './image-archives.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { kubeProxyComponent } from './kube-proxy.ts';
import { Kubectl } from './kubectl.ts';
import { kubeletComponent } from './kubelet.ts';
import { clusterFolder, clusterLayout, MAXIMUM_NODES, STATE_ROOT, type ClusterLayout, type NodeLayout } from './layout.ts';
import type { ClusterOptions, RealCluster } from './model.ts';
import { NodeNamespaces } from './node-namespaces.ts';
import { NodesCluster } from './nodes-cluster.ts';
import { prepareMachine } from './preflight.ts';
import { checkName, claimIndex, isBeingStarted, newState, readState, writeState, type ClusterState } from './state.ts';
import { Supervisor } from './supervisor.ts';
import { PAUSE_IMAGE, systemImages } from './system-images.ts';
import { startWatchdog } from './watchdog.ts';

const API_SERVER_PORT = 6443;
// Many a machine that runs tests is busy with others.
const READY_MILLISECONDS = 240_000;

/** A node while it comes up. */
interface StartingNode {
  readonly layout: NodeLayout;
  readonly namespaces: NodeNamespaces;
  readonly supervisor: Supervisor;
}

/** Starts a cluster of whole nodes; what an attempt leaves that fails is removed. */
export async function startNodes(options: ClusterOptions, progress: (line: string) => void): Promise<RealCluster> {
  checkName(options.name);
  const count = options.nodes ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MAXIMUM_NODES) throw new ClusterError('CLUSTER_UNSUPPORTED', `a cluster has 1 to ${MAXIMUM_NODES} nodes, not ${count}`);
  await cancellable(options.signal, () => prepareMachine(options, progress));
  await cancellable(options.signal, () => checkImageArchives(options.images ?? []));
  await makeRoom(options.name, progress);
  const state = newState({
    name: options.name, scope: 'node', kubernetes: options.kubernetes ?? '1.35', nodes: count, proxyMode: options.proxyMode ?? 'iptables', ipFamily: options.ipFamily ?? 'ipv4',
    snapshotter: await overlayWorks() ? 'overlayfs' : 'native',
  });
  // Written down before the long build, so that a second start under the name is refused at once.
  writeState(state);
  const watchdog = options.endsWithStarter === true ? startWatchdog(options.name, 'node', clusterFolder(options.name)) : undefined;
  try {
    return await cancellable(options.signal, async () => {
      const binaries = await nodeBinaries({ progress, signal: options.signal });
      return bringUp({ ...state, watchdog, binaries: binaries.kubernetes }, binaries, options, progress);
    });
  } catch (error) {
    await removeCluster(options.name);
    throw error;
  }
}

/** Refuses a name in use; clears away what an interrupted start, or a restart of the machine, left under it. */
async function makeRoom(name: string, progress: (line: string) => void): Promise<void> {
  const state = readState(name, 'node');
  if (state !== undefined && isBeingStarted(state)) throw new ClusterError('CLUSTER_EXISTS', `process ${state.starter?.pid ?? 0} is starting the cluster '${name}' at this moment; wait for it, or choose another name`);
  if (state?.ready === true && NodeNamespaces.find(clusterLayout(name, 0, 1).nodes[0] as NodeLayout) !== undefined) {
    throw new ClusterError('CLUSTER_EXISTS', `the cluster '${name}' runs already; use it, or remove it with \`npm run cluster:down -- --name ${name}\``);
  }
  if (state !== undefined) progress(`removing what is left of an earlier cluster '${name}' ...`);
  await removeCluster(name);
}

/** Container layers lie over one another with overlayfs, unless the machine is itself a container whose disk is an overlay. */
async function overlayWorks(): Promise<boolean> {
  const script = 'd="$1/.overlay-$$"; trap "umount $d/m 2>/dev/null || true; rm -rf $d" EXIT; mkdir -p $d/l $d/u $d/w $d/m; mount -t overlay -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w overlay $d/m';
  return (await attempt(['unshare', '--mount', 'sh', '-ec', script, 'sh', STATE_ROOT])).status === 0;
}

async function bringUp(begun: ClusterState, binaries: ClusterBinaries, { images = [] }: ClusterOptions, progress: (line: string) => void): Promise<RealCluster> {
  raiseHostSettings();
  const routes = await hostRoutes();
  const index = claimIndex(begun.name, (candidate) => !routes.some((route) => route.startsWith(`10.123.${candidate}.`) || route.startsWith(`10.${200 + candidate}.`)));
  const layout = clusterLayout(begun.name, index, begun.nodes);
  const first = layout.nodes[0] as NodeLayout;
  const state: ClusterState = { ...begun, apiServerUrl: `https://${first.address}:${API_SERVER_PORT}` };
  writeState(state);
  const archives = [...await systemImages(binaries), ...images];
  const nodes = await together(layout.nodes.map((node) => () => startNode(node, state, binaries)));
  await layCables(layout, nodes.map((node) => node.namespaces), state.ipFamily);
  progress(`${begun.nodes === 1 ? 'the node has its namespaces' : `${begun.nodes} nodes have their namespaces`} and addresses (${layout.nodes.map((node) => node.address).join(', ')})`);

  const authority = await ClusterAuthority.create(join(layout.folder, 'pki'));
  const controlPlane = await controlPlaneOptions(layout, state, authority);
  const config = await writeKubeconfigs(layout, state, authority);
  const kubectl = new Kubectl(join(state.binaries, 'kubectl'), config('admin'));
  const [leader] = nodes as [StartingNode];
  await leader.supervisor.start(etcdComponent(controlPlane));
  await leader.supervisor.start(apiServerComponent(controlPlane));
  await together([
    async () => {
      await waitForApiServer(kubectl, leader.supervisor);
      progress(`the API server of Kubernetes ${kubernetesVersion(state.kubernetes)} is ready`);
      await leader.supervisor.start(controllerManagerComponent(controlPlane, config('kube-controller-manager')));
      await leader.supervisor.start(schedulerComponent(controlPlane, config('kube-scheduler')));
    },
    ...nodes.map((node) => () => loadImages(node, archives, state.snapshotter)),
  ]);
  progress(`containerd holds ${archives.length} images`);
  for (const node of nodes) await startNodeAgents(node, layout, state, authority, config);
  await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: corednsManifests(layout.dnsAddress) }) });
  for (const node of nodes) {
    await kubectl.until(['wait', '--for=condition=Ready', `node/${node.layout.name}`, '--timeout=2s'], READY_MILLISECONDS, `${node.layout.name} as Ready`, () => `\nkubelet: ${node.supervisor.logTail('kubelet')}`);
  }
  progress(begun.nodes === 1 ? 'the node is Ready' : 'the nodes are Ready');
  await kubectl.until(['--namespace=kube-system', 'wait', '--for=condition=Available', 'deployment/coredns', '--timeout=2s'], READY_MILLISECONDS, 'CoreDNS as Available');
  progress('DNS is ready');
  const ready: ClusterState = { ...state, ready: true };
  writeState(ready);
  return new NodesCluster(ready, layout);
}

async function startNode(layout: NodeLayout, state: ClusterState, binaries: ClusterBinaries): Promise<StartingNode> {
  mkdirSync(layout.folder, { recursive: true });
  installPodNetwork(layout, state.ipFamily);
  const namespaces = await NodeNamespaces.create(layout, binaries.pause, state.snapshotter === 'overlayfs');
  const supervisor = new Supervisor(layout.folder);
  await supervisor.launch((command) => namespaces.enter(command));
  await supervisor.start(containerdComponent(layout, PAUSE_IMAGE, state.snapshotter));
  return { layout, namespaces, supervisor };
}

async function controlPlaneOptions(layout: ClusterLayout, state: ClusterState, authority: ClusterAuthority): Promise<ControlPlaneOptions> {
  const first = layout.nodes[0] as NodeLayout;
  const dual = state.ipFamily === 'dual';
  return {
    binaries: state.binaries, folder: first.folder, apiServerPort: API_SERVER_PORT, etcdPort: 2379, etcdPeerPort: 2380, address: first.address,
    serviceNetworks: [layout.serviceNetwork, ...(dual ? [layout.serviceNetwork6] : [])], podNetworks: [layout.podNetwork, ...(dual ? [layout.podNetwork6] : [])],
    authorityFiles: authority.files, serviceAccountKeys: createServiceAccountKeys(join(layout.folder, 'pki')),
    serverFiles: await authority.issue('kube-apiserver', {
      commonName: 'kube-apiserver',
      hosts: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost', '127.0.0.1', layout.apiServiceAddress, first.address],
    }),
    kubeletClient: await authority.issue('kube-apiserver-kubelet-client', { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }),
  };
}

/** Writes a kubeconfig for each program and the administrator; gives their paths by name. */
async function writeKubeconfigs(layout: ClusterLayout, state: ClusterState, authority: ClusterAuthority): Promise<(name: string) => string> {
  const path = (name: string) => join(layout.folder, name === 'admin' ? 'kubeconfig' : `kubeconfigs/${name}`);
  const users = [
    { name: 'admin', commonName: 'admin', organizations: ['system:masters'] },
    { name: 'kube-controller-manager', commonName: 'system:kube-controller-manager' },
    { name: 'kube-scheduler', commonName: 'system:kube-scheduler' },
    { name: 'kube-proxy', commonName: 'system:kube-proxy' },
    ...layout.nodes.map((node) => ({ name: `kubelet-${node.name}`, commonName: `system:node:${node.name}`, organizations: ['system:nodes'] })),
  ];
  for (const { name, ...subject } of users) {
    const credentials = await authority.issue(`${name}-client`, subject);
    writeKubeconfig(path(name), { cluster: layout.name, server: state.apiServerUrl, authorityFile: authority.files.certificate, user: name, credentials });
  }
  return path;
}

async function waitForApiServer(kubectl: Kubectl, supervisor: Supervisor): Promise<void> {
  await kubectl.until(['get', '--raw', '/readyz'], READY_MILLISECONDS, 'a ready API server', () => `\netcd: ${supervisor.logTail('etcd', 500)}\nkube-apiserver: ${supervisor.logTail('kube-apiserver')}`);
}

async function loadImages(node: StartingNode, archives: readonly string[], snapshotter: string): Promise<void> {
  await waitForContainerd(node.namespaces, () => node.supervisor.logTail('containerd'));
  await importImages(node.namespaces, archives, snapshotter);
}

async function startNodeAgents(node: StartingNode, layout: ClusterLayout, state: ClusterState, authority: ClusterAuthority, config: (name: string) => string): Promise<void> {
  const dual = state.ipFamily === 'dual';
  const addresses = [node.layout.address, ...(dual ? [node.layout.address6] : [])];
  await node.supervisor.start(kubeletComponent({
    binaries: state.binaries, node: node.layout, nodeAddresses: addresses, dnsAddress: layout.dnsAddress, kubeconfig: config(`kubelet-${node.layout.name}`), authorityFile: authority.files.certificate,
    serverFiles: await authority.issue(`kubelet-${node.layout.name}-server`, {
      commonName: `system:node:${node.layout.name}`, organizations: ['system:nodes'], hosts: [node.layout.name, 'localhost', '127.0.0.1', ...addresses],
    }),
  }));
  await node.supervisor.start(kubeProxyComponent({
    binaries: state.binaries, node: node.layout, podNetworks: [layout.podNetwork, ...(dual ? [layout.podNetwork6] : [])], mode: state.proxyMode, kubeconfig: config('kube-proxy'),
  }));
}
