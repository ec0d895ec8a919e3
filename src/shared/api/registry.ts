// Every kind whose CustomResourceDefinition is ours to write: drives CRD generation. Adding a kind is one file and one line here.
import type { CustomResourceType } from './custom-resource.ts';
import { ServiceMeshMemberResource } from './maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource } from './maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource } from './maistra/v2/service-mesh-control-plane.ts';

/** The rows, in the order in which their definitions are installed. */
export const customResources: readonly CustomResourceType[] = [
  ServiceMeshControlPlaneResource,
  ServiceMeshMemberRollResource,
  ServiceMeshMemberResource,
];
