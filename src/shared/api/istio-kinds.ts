// Every kind of Istio's that Mizzen reads: drives informers, the validating webhook and the generation of CRDs.
// Adding a kind is one file and one line here.
import type { IstioKind } from './istio-object.ts';
import { DestinationRule, DestinationRuleType } from './networking/destination-rule.ts';
import { validateDestinationRule } from './networking/destination-rule.validation.ts';
import { Gateway, GatewayType } from './networking/gateway.ts';
import { validateGateway } from './networking/gateway.validation.ts';
import { ServiceEntry, ServiceEntryType } from './networking/service-entry.ts';
import { validateServiceEntry } from './networking/service-entry.validation.ts';
import { Sidecar, SidecarType } from './networking/sidecar.ts';
import { validateSidecar } from './networking/sidecar.validation.ts';
import { VirtualService, VirtualServiceType } from './networking/virtual-service.ts';
import { validateVirtualService } from './networking/virtual-service.validation.ts';
import { WorkloadEntry, WorkloadEntryType } from './networking/workload-entry.ts';
import { validateWorkloadEntry } from './networking/workload-entry.validation.ts';
import { AuthorizationPolicy, AuthorizationPolicyType } from './security/authorization-policy.ts';
import { validateAuthorizationPolicy } from './security/authorization-policy.validation.ts';
import { PeerAuthentication, PeerAuthenticationType } from './security/peer-authentication.ts';
import { validatePeerAuthentication } from './security/peer-authentication.validation.ts';
import { RequestAuthentication, RequestAuthenticationType } from './security/request-authentication.ts';
import { validateRequestAuthentication } from './security/request-authentication.validation.ts';
import { Telemetry, TelemetryType } from './telemetry/telemetry.ts';
import { validateTelemetry } from './telemetry/telemetry.validation.ts';
import type { KubernetesObject } from './meta/index.ts';

export type { IstioKind } from './istio-object.ts';

/** Any parsed object of Istio's kinds, told apart by `kind`. */
export type IstioObject =
  | AuthorizationPolicy | DestinationRule | Gateway | PeerAuthentication | RequestAuthentication
  | ServiceEntry | Sidecar | Telemetry | VirtualService | WorkloadEntry;

/** Puts a kind into the list, where its object type no longer matters: only objects that its own schema parsed reach its validator. */
function kind<T extends KubernetesObject>(row: IstioKind<T>): IstioKind {
  return row as unknown as IstioKind;
}

/** Every kind with its schema and validator. */
export const ISTIO_KINDS: readonly IstioKind[] = [
  kind({ ...AuthorizationPolicyType, schema: AuthorizationPolicy, validate: validateAuthorizationPolicy }),
  kind({ ...DestinationRuleType, schema: DestinationRule, validate: validateDestinationRule }),
  kind({ ...GatewayType, schema: Gateway, validate: validateGateway }),
  kind({ ...PeerAuthenticationType, schema: PeerAuthentication, validate: validatePeerAuthentication }),
  kind({ ...RequestAuthenticationType, schema: RequestAuthentication, validate: validateRequestAuthentication }),
  kind({ ...ServiceEntryType, schema: ServiceEntry, validate: validateServiceEntry }),
  kind({ ...SidecarType, schema: Sidecar, validate: validateSidecar }),
  kind({ ...TelemetryType, schema: Telemetry, validate: validateTelemetry }),
  kind({ ...VirtualServiceType, schema: VirtualService, validate: validateVirtualService }),
  kind({ ...WorkloadEntryType, schema: WorkloadEntry, validate: validateWorkloadEntry }),
];
