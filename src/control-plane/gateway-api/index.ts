// The Gateway API in the cluster: its objects bound, and the workloads of Gateways.
export { keepGatewayClasses } from './gateway-classes.ts';
export { GatewayBinder, type GatewayApiConfiguration } from './gateway-binder.ts';
export { GatewayDeployer } from './gateway-deployer.ts';
