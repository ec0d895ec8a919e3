// Labels that say which mesh an object belongs to and which generation of it wrote the object; Maistra's names, so that scripts keep working.
import { MANAGED_BY, OWNER_LABEL, OWNER_NAME_LABEL } from '../../shared/api/maistra/ownership.ts';
import type { Facts } from './facts.ts';

export { MANAGED_BY };
/** Label with the mesh generation that wrote the object: what has an older one is pruned. */
export const GENERATION_LABEL = 'app.kubernetes.io/version';
/** Annotation with the mesh generation. */
export const GENERATION_ANNOTATION = 'maistra.io/mesh-generation';
/** Label of a mesh's namespaces. */
export const MEMBER_OF_LABEL = 'maistra.io/member-of';

/** Labels of whatever belongs to the mesh, whichever generation wrote it. */
export function ownerLabels(mesh: { readonly namespace: string; readonly name: string }): Record<string, string> {
  return {
    'app.kubernetes.io/managed-by': MANAGED_BY,
    'app.kubernetes.io/part-of': 'istio',
    'app.kubernetes.io/instance': mesh.namespace,
    [OWNER_LABEL]: mesh.namespace,
    [OWNER_NAME_LABEL]: mesh.name,
  };
}

/** Selector for what `ownerLabels` marks. */
export function ownerSelector(mesh: { readonly namespace: string; readonly name: string }): string {
  return `app.kubernetes.io/managed-by=${MANAGED_BY},${OWNER_LABEL}=${mesh.namespace},${OWNER_NAME_LABEL}=${mesh.name}`;
}

/** All labels of a rendered object. */
export function manifestLabels(component: string, facts: Facts): Record<string, string> {
  return { ...ownerLabels(facts), 'app.kubernetes.io/name': component, 'app.kubernetes.io/component': component, [GENERATION_LABEL]: facts.meshGeneration };
}
