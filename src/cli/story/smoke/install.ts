// install: the control plane is reconciled and ready, every workload of it runs, the members are configured.
import { isConditionTrue } from '../../../shared/kube/index.ts';
import { controlPlaneType } from '../../cluster/mesh-types.ts';
import { livePods, missingControlPlane, missingDeployments, missingMembers } from '../../cluster/readiness.ts';
import { MEMBERS, MESH_NAME, MESH_NAMESPACE } from '../mesh-objects.ts';
import { claim, type SmokeStep } from './step.ts';

/** The smoke step `install`; the line at the top of this file is what it claims. */
export const install: SmokeStep = async ({ client }) => {
  const missing = (await missingControlPlane(client, MESH_NAME, MESH_NAMESPACE))
    ?? (await missingDeployments(client, MESH_NAMESPACE, [`istiod-${MESH_NAME}`, 'istio-ingressgateway', 'istio-egressgateway'])) ?? (await missingMembers(client, MESH_NAMESPACE, MEMBERS));
  claim(missing === undefined, `the mesh is not installed: ${missing ?? ''}`);
  const mesh = await client.get(controlPlaneType, MESH_NAME, MESH_NAMESPACE);
  claim(isConditionTrue(mesh.status?.conditions, 'Installed'), 'the condition Installed is not True');
  const components = (mesh.status?.components ?? []).map((component) => component.resource);
  claim(components.length > 0, 'status.components names no component');
  return { chart_version: mesh.status?.chartVersion ?? '', components, pods: (await livePods(client, MESH_NAMESPACE)).length };
};
