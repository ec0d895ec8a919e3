// The front door of the Gateway API: objects in, configuration, statuses and wanted workloads out.
export { bindGatewayApi } from './bind-gateway-api.ts';
export type {
  BoundListenerStatus, ConfigMapVerdict, ExternalHosts, GatewayApiBinding, GatewayApiCondition, GatewayApiResources, GatewayApiStatus, GatewayClassStatus, GatewayDeployment, GatewayStatus,
  GatewayWorkloadState, ListenerSetStatus, PolicyStatus, ReferencedObjects, RouteStatus, SecretVerdict,
} from './binding-types.ts';
export { CONTROLLER_NAME, GATEWAY_CLASS_NAMES } from './names.ts';
export { referencedObjects } from './referenced-objects.ts';
