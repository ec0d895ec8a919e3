// Installs the mesh on a cluster as a user would: the definitions, the operator, one control plane, one member roll that takes the namespaces of tests by a label.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kubectl } from '../../../tools/cluster/index.ts';

/** Labels that make a namespace a member of the ring's mesh. */
export const MEMBER_LABELS: Readonly<Record<string, string>> = { 'mizzen.test/mesh': 'member' };

/** Namespace of the control plane. */
export const MESH_NAMESPACE = 'istio-system';

/** Name of the control plane. */
export const MESH_NAME = 'basic';

/** Namespace of the operator. */
export const OPERATOR_NAMESPACE = 'mizzen-operator';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const INSTALL_SECONDS = 180;

const CONTROL_PLANE = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: MESH_NAMESPACE } },
  { apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: MESH_NAME, namespace: MESH_NAMESPACE }, spec: { version: 'v3.1', profiles: ['default'] } },
  {
    apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH_NAMESPACE },
    spec: { memberSelectors: [{ matchLabels: MEMBER_LABELS }] },
  },
];

/** Installs the operator and waits until it runs. */
export async function installOperator(kubectl: Kubectl, progress: (line: string) => void): Promise<void> {
  await kubectl.run(['apply', '-f', join(ROOT, 'crds')]);
  await kubectl.run(['apply', '-f', join(ROOT, 'deploy/operator.yaml')]);
  await kubectl.run(['--namespace', OPERATOR_NAMESPACE, 'rollout', 'status', 'deployment/mizzen-operator', `--timeout=${INSTALL_SECONDS}s`]);
  progress('the operator runs');
}

/** Makes the control plane and the member roll, and waits until the mesh is ready. */
export async function installMesh(kubectl: Kubectl, progress: (line: string) => void): Promise<void> {
  for (const object of CONTROL_PLANE) await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify(object) });
  await kubectl.run(['--namespace', MESH_NAMESPACE, 'wait', '--for=condition=Ready', `servicemeshcontrolplane/${MESH_NAME}`, `--timeout=${INSTALL_SECONDS}s`]);
  progress('the mesh is ready');
}
