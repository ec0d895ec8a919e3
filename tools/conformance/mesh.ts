// A mesh on a real cluster for the suite: the Gateway API's definitions, the operator, a control plane for the whole cluster.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Kubectl, type RealCluster } from '../cluster/index.ts';

/** Namespace of the control plane. */
export const MESH_NAMESPACE = 'istio-system';

/** What is installed. */
export interface MeshOptions {
  readonly root: string;
  /** Folder `config/crd` of the Gateway API's module. */
  readonly definitions: string;
  readonly channel: 'standard' | 'experimental';
  readonly progress: (line: string) => void;
}

const READY_MILLISECONDS = 180_000;

/** Only the suite's own clients and servers of the mesh profiles are injected; gateways are by themselves. */
const CONTROL_PLANE = {
  apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: MESH_NAMESPACE },
  spec: {
    version: 'v3.1', mode: 'ClusterWide', tracing: { type: 'None' },
    gateways: { ingress: { enabled: false }, egress: { enabled: false } },
    proxy: {
      injection: { autoInject: false, alwaysInjectSelector: [{ matchLabels: { app: 'echo' } }] },
      // The suite has up to thirty gateways at a time on the one node.
      runtime: { container: { resources: { requests: { cpu: '5m', memory: '64Mi' } } } },
    },
  },
};

/** Installs everything and waits until the mesh is ready. */
export async function installMesh(cluster: RealCluster, { root, definitions, channel, progress }: MeshOptions): Promise<void> {
  const kubectl = new Kubectl(cluster.kubectl, cluster.kubeconfig);
  const apply = (text: string): Promise<string> => kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: text });
  progress(`installing the definitions of the Gateway API, ${channel} channel`);
  const folder = join(definitions, channel);
  await apply(documents(folder, readdirSync(folder).filter((name) => name.startsWith('gateway.'))));
  progress('installing the operator');
  await apply(documents(join(root, 'crds'), readdirSync(join(root, 'crds')).filter((name) => name.endsWith('.yaml'))));
  await apply(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'));
  await kubectl.run(['-n', 'mizzen-operator', 'rollout', 'status', 'deployment/mizzen-operator', `--timeout=${READY_MILLISECONDS / 1000}s`], { timeoutMilliseconds: READY_MILLISECONDS + 10_000 });
  progress('installing the mesh');
  await apply(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: MESH_NAMESPACE } }));
  // The webhook may take a moment after the pod is ready.
  const objects = [CONTROL_PLANE, { apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH_NAMESPACE }, spec: { members: ['*'] } }];
  const text = objects.map((object) => stringify(object)).join('---\n');
  for (let attempt = 1; ; attempt += 1) {
    const result = await kubectl.attempt(['apply', '-f', '-'], { input: text });
    if (result.status === 0) break;
    if (attempt === 30) throw new Error(`the control plane could not be created: ${result.stderr.trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await kubectl.until(['-n', MESH_NAMESPACE, 'wait', 'servicemeshcontrolplane/basic', '--for=condition=Ready', '--timeout=5s'], READY_MILLISECONDS, 'a ready control plane');
  await kubectl.until(['wait', 'gatewayclass/mizzen', '--for=condition=Accepted', '--timeout=5s'], 60_000, 'the GatewayClass');
}

function documents(folder: string, names: readonly string[]): string {
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n---\n');
}
