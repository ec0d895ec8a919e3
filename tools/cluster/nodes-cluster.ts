// A running cluster of whole nodes, as tests and commands use it. Made from what is written down, so that any process can take hold of it.
import { join } from 'node:path';
import { removeCluster } from './cleanup.ts';
import { waitUntil } from './command.ts';
import { importImages, waitForContainerd, writeRegistry } from './containerd.ts';
import { ClusterError } from './errors.ts';
import { Kubectl } from './kubectl.ts';
import type { ClusterLayout, NodeLayout } from './layout.ts';
import type { ClusterNode, ComponentHealth, ControlPlaneComponent, NodeComponent, RealCluster } from './model.ts';
import { NodeNamespaces } from './node-namespaces.ts';
import type { ClusterState } from './state.ts';
import { Supervisor } from './supervisor.ts';

const WORK_MILLISECONDS = 240_000;
const CONTROL_PLANE: readonly string[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] satisfies ControlPlaneComponent[];

/** A node that runs. */
class RunningNode implements ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly supervisor: Supervisor;
  readonly #namespaces: NodeNamespaces;
  readonly #snapshotter: string;
  readonly #kubectl: Kubectl;

  constructor(layout: NodeLayout, snapshotter: string, kubectl: Kubectl) {
    const namespaces = NodeNamespaces.find(layout);
    if (namespaces === undefined) throw new ClusterError('CLUSTER_COMPONENT', `${layout.name} does not run any more; remove the cluster with cluster:down and start it anew`);
    this.name = layout.name;
    this.address = layout.address;
    this.supervisor = new Supervisor(layout.folder);
    this.#namespaces = namespaces;
    this.#snapshotter = snapshotter;
    this.#kubectl = kubectl;
  }

  importImages(archives: readonly string[]): Promise<void> {
    return importImages(this.#namespaces, archives, this.#snapshotter);
  }

  run(command: readonly string[], options?: { readonly input?: string; readonly timeoutMilliseconds?: number }): Promise<string> {
    return this.#namespaces.run(command, options);
  }

  async restart(component: NodeComponent): Promise<void> {
    await this.supervisor.restart(component);
    if (component === 'containerd') await waitForContainerd(this.#namespaces, () => this.supervisor.logTail('containerd'));
    const healthPort = { containerd: 10_248, kubelet: 10_248, 'kube-proxy': 10_256 }[component];
    // The kubelet loses a runtime that goes away, and is well again once it has found the new one.
    await waitUntil(() => this.#healthy(healthPort), WORK_MILLISECONDS,
      () => `${component} of ${this.name} did not come back: ${this.supervisor.logTail(component)}`);
    await this.#kubectl.until(['wait', '--for=condition=Ready', `node/${this.name}`, '--timeout=2s'], WORK_MILLISECONDS, `${this.name} as Ready`);
  }

  async #healthy(port: number): Promise<true | undefined> {
    const script = `fetch('http://127.0.0.1:${port}/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
    return (await this.#namespaces.attempt([process.execPath, '-e', script])).status === 0 ? true : undefined;
  }
}

/** A running cluster of whole nodes. */
export class NodesCluster implements RealCluster {
  readonly name: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly apiServerUrl: string;
  readonly hostAddress: string;
  readonly ipFamily: 'ipv4' | 'dual';
  readonly nodes: readonly RunningNode[];
  readonly authority: { readonly certificateFile: string; readonly keyFile: string };
  readonly #layout: ClusterLayout;
  readonly #kubectl: Kubectl;

  constructor(state: ClusterState, layout: ClusterLayout) {
    this.name = state.name;
    this.folder = layout.folder;
    this.kubeconfig = join(layout.folder, 'kubeconfig');
    this.kubectl = join(state.binaries, 'kubectl');
    this.apiServerUrl = state.apiServerUrl;
    this.hostAddress = layout.hostAddress;
    this.ipFamily = state.ipFamily;
    this.authority = { certificateFile: join(layout.folder, 'pki/ca.crt'), keyFile: join(layout.folder, 'pki/ca.key') };
    this.#layout = layout;
    this.#kubectl = new Kubectl(this.kubectl, this.kubeconfig);
    this.nodes = layout.nodes.map((node) => new RunningNode(node, state.snapshotter, this.#kubectl));
  }

  async restart(component: ControlPlaneComponent | NodeComponent): Promise<void> {
    if (CONTROL_PLANE.includes(component)) {
      await this.nodes[0]?.supervisor.restart(component);
      await this.#kubectl.until(['get', '--raw', '/readyz'], WORK_MILLISECONDS, `a ready API server after the restart of ${component}`);
      return;
    }
    for (const node of this.nodes) await node.restart(component as NodeComponent);
  }

  async components(): Promise<readonly ComponentHealth[]> {
    const states = await Promise.all(this.nodes.map(async (node) => (await node.supervisor.status()).map((state) => ({ node: node.name, ...state }))));
    return states.flat().map(({ node, name, pid, unexpectedEnds, lastEnd }) => ({ node, name, running: pid !== undefined, unexpectedEnds, lastEnd }));
  }

  async allowPlainRegistry(address: string): Promise<void> {
    await this.mirrorRegistry(address, address);
  }

  async mirrorRegistry(registry: string, address: string): Promise<void> {
    for (const node of this.#layout.nodes) writeRegistry(node, registry, address);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await removeCluster(this.name);
  }
}
