// Statuses of Istio's and of the Gateway API's objects.
export { ConfigStatusWriter } from './config-status.ts';
export { GatewayApiStatusWriter } from './gateway-api-status.ts';
