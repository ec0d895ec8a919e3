// An API server with its etcd on loopback, without nodes and without privilege: seconds to start, for tests that need Kubernetes' API and nothing that runs pods.
import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { apiServerBinaries, kubernetesVersion } from './binaries.ts';
import { ClusterAuthority, createServiceAccountKeys } from './certificates.ts';
import { cancellable } from '../toolchain/cancellation.ts';
import { removeApiServer } from './cleanup.ts';
import { apiServerComponent, etcdComponent, type ControlPlaneOptions } from './control-plane.ts';
import { ClusterError } from './errors.ts';
import { isAlive, processIdentity } from '../toolchain/exclusive.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { Kubectl } from './kubectl.ts';
import type { ClusterNode, ClusterOptions, ComponentHealth, ControlPlaneComponent, NodeComponent, RealCluster } from './model.ts';
import { prepareMachine } from './preflight.ts';
import { checkName, isBeingStarted, newState, readState, stateFolder, writeState, type ClusterState } from './state.ts';
import { Supervisor } from './supervisor.ts';
import { startWatchdog } from './watchdog.ts';

const ADDRESS = '127.0.0.1';
const READY_MILLISECONDS = 180_000;

/** Starts an API server alone. */
export async function startApiServer(options: ClusterOptions, progress: (line: string) => void): Promise<RealCluster> {
  checkName(options.name);
  await cancellable(options.signal, () => prepareMachine(options, progress));
  const present = readState(options.name, 'apiserver');
  if (present !== undefined && (isBeingStarted(present) || (present.ready && present.supervisor !== undefined && isAlive(present.supervisor)))) {
    throw new ClusterError('CLUSTER_EXISTS', `the API server '${options.name}' runs already; remove it with \`npm run cluster:down -- --scope apiserver --name ${options.name}\``);
  }
  await removeApiServer(options.name);
  const kubernetes = options.kubernetes ?? '1.35';
  const binaries = await cancellable(options.signal, () => apiServerBinaries(kubernetes, { progress, signal: options.signal }));
  const begun = newState({ name: options.name, scope: 'apiserver', kubernetes, nodes: 0, proxyMode: 'iptables', ipFamily: 'ipv4', snapshotter: '' });
  try {
    return await cancellable(options.signal, () => bringUp({ ...begun, binaries }, options.endsWithStarter === true, progress));
  } catch (error) {
    await removeApiServer(options.name);
    throw error;
  }
}

async function bringUp(begun: ClusterState, watched: boolean, progress: (line: string) => void): Promise<RealCluster> {
  const folder = stateFolder(begun.name, 'apiserver');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const watchdog = watched ? startWatchdog(begun.name, 'apiserver', folder) : undefined;
  const supervisor = new Supervisor(folder);
  const pid = await supervisor.launch((command) => command);
  const [apiServerPort = 0, etcdPort = 0, etcdPeerPort = 0] = await freePorts(3);
  const state: ClusterState = { ...begun, watchdog, supervisor: processIdentity(pid), apiServerUrl: `https://${ADDRESS}:${apiServerPort}` };
  writeState(state);
  const authority = await ClusterAuthority.create(join(folder, 'pki'));
  const options: ControlPlaneOptions = {
    binaries: state.binaries, folder, apiServerPort, etcdPort, etcdPeerPort, address: ADDRESS, serviceNetworks: ['10.96.0.0/16'], podNetworks: [],
    authorityFiles: authority.files, serviceAccountKeys: createServiceAccountKeys(join(folder, 'pki')), kubeletClient: undefined,
    serverFiles: await authority.issue('kube-apiserver', { commonName: 'kube-apiserver', hosts: ['localhost', ADDRESS, 'kubernetes.default.svc', '10.96.0.1'] }),
  };
  const kubeconfig = writeKubeconfig(join(folder, 'kubeconfig'), {
    cluster: begun.name, server: state.apiServerUrl, authorityFile: authority.files.certificate, user: 'admin', credentials: await authority.issue('admin-client', { commonName: 'admin', organizations: ['system:masters'] }),
  });
  await supervisor.start(etcdComponent(options));
  await supervisor.start(apiServerComponent(options));
  await new Kubectl(join(state.binaries, 'kubectl'), kubeconfig).until(['get', '--raw', '/readyz'], READY_MILLISECONDS, 'a ready API server',
    () => `\netcd: ${supervisor.logTail('etcd', 500)}\nkube-apiserver: ${supervisor.logTail('kube-apiserver')}`);
  progress(`the API server of Kubernetes ${kubernetesVersion(state.kubernetes)} is ready`);
  const ready: ClusterState = { ...state, ready: true };
  writeState(ready);
  return new ApiServerCluster(ready);
}

/** Ports that nobody listens on; a race with others on the machine shows as a component that does not start. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, ADDRESS, () => resolve(server));
  })));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A running API server alone. */
export class ApiServerCluster implements RealCluster {
  readonly name: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly apiServerUrl: string;
  readonly hostAddress = undefined;
  readonly ipFamily = 'ipv4';
  readonly nodes: readonly ClusterNode[] = [];
  readonly authority: { readonly certificateFile: string; readonly keyFile: string };

  constructor(state: ClusterState) {
    this.name = state.name;
    this.folder = stateFolder(state.name, 'apiserver');
    this.kubeconfig = join(this.folder, 'kubeconfig');
    this.kubectl = join(state.binaries, 'kubectl');
    this.apiServerUrl = state.apiServerUrl;
    this.authority = { certificateFile: join(this.folder, 'pki/ca.crt'), keyFile: join(this.folder, 'pki/ca.key') };
  }

  async restart(component: ControlPlaneComponent | NodeComponent): Promise<void> {
    await new Supervisor(this.folder).restart(component);
    await new Kubectl(this.kubectl, this.kubeconfig).until(['get', '--raw', '/readyz'], READY_MILLISECONDS, `a ready API server after the restart of ${component}`);
  }

  async components(): Promise<readonly ComponentHealth[]> {
    return (await new Supervisor(this.folder).status()).map(({ name, pid, unexpectedEnds, lastEnd }) => ({ node: '', name, running: pid !== undefined, unexpectedEnds, lastEnd }));
  }

  allowPlainRegistry(): Promise<void> {
    return Promise.reject(new ClusterError('CLUSTER_UNSUPPORTED', 'an API server alone has no nodes that pull images'));
  }

  mirrorRegistry(): Promise<void> {
    return this.allowPlainRegistry();
  }

  stop(): Promise<void> {
    return removeApiServer(this.name);
  }
}
