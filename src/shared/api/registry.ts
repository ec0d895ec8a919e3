// Every kind whose CustomResourceDefinition is ours to write: drives CRD generation. Adding a kind is one file and one line here.
import type { z } from 'zod';
import type { CustomResourceType, PrinterColumn } from './custom-resource.ts';
import { ServiceMeshMemberResource } from './maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource } from './maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource } from './maistra/v2/service-mesh-control-plane.ts';
import type { ResourceType } from './meta/index.ts';
import { DestinationRule, DestinationRuleType } from './networking/destination-rule.ts';
import { Gateway, GatewayType } from './networking/gateway.ts';
import { ServiceEntry, ServiceEntryType } from './networking/service-entry.ts';
import { Sidecar, SidecarType } from './networking/sidecar.ts';
import { VirtualService, VirtualServiceType } from './networking/virtual-service.ts';
import { WorkloadEntry, WorkloadEntryType } from './networking/workload-entry.ts';
import { AuthorizationPolicy, AuthorizationPolicyType } from './security/authorization-policy.ts';
import { PeerAuthentication, PeerAuthenticationType } from './security/peer-authentication.ts';
import { RequestAuthentication, RequestAuthenticationType } from './security/request-authentication.ts';
import { Telemetry, TelemetryType } from './telemetry/telemetry.ts';

type IstioRow = ResourceType & { readonly servedVersions: readonly string[]; readonly shortNames: readonly string[] };

/** The row of one of Istio's kinds, whose schema is of the whole object. */
function istio(type: IstioRow, object: z.ZodObject<{ spec: z.ZodType; status: z.ZodType }>, ...printerColumns: PrinterColumn[]): CustomResourceType {
  const category = type.group.split('.')[0] ?? '';
  return { ...type, schema: object.shape.spec, statusSchema: object.shape.status, categories: ['istio-io', `${category}-istio-io`], printerColumns };
}

function column(name: string, jsonPath: string, description: string): PrinterColumn {
  return { name, type: 'string', jsonPath, description };
}

/** The rows, in the order in which their definitions are installed. */
export const customResources: readonly CustomResourceType[] = [
  ServiceMeshControlPlaneResource,
  ServiceMeshMemberRollResource,
  ServiceMeshMemberResource,
  istio(DestinationRuleType, DestinationRule, column('Host', '.spec.host', 'Host that the rule is about')),
  istio(GatewayType, Gateway),
  istio(ServiceEntryType, ServiceEntry, column('Hosts', '.spec.hosts', 'Hosts of the service'), column('Location', '.spec.location', 'Inside or outside the mesh'), column('Resolution', '.spec.resolution', 'How endpoints are found')),
  istio(SidecarType, Sidecar),
  istio(VirtualServiceType, VirtualService, column('Gateways', '.spec.gateways', 'Gateways that the routes apply to'), column('Hosts', '.spec.hosts', 'Hosts that the routes apply to')),
  istio(WorkloadEntryType, WorkloadEntry, column('Address', '.spec.address', 'Address of the workload')),
  istio(AuthorizationPolicyType, AuthorizationPolicy, column('Action', '.spec.action', 'What happens to requests that match')),
  istio(PeerAuthenticationType, PeerAuthentication, column('Mode', '.spec.mtls.mode', 'Mutual TLS mode')),
  istio(RequestAuthenticationType, RequestAuthentication),
  istio(TelemetryType, Telemetry),
];
