// Routes of a workload's own ports: everything goes to the application.
import type { RouteConfiguration } from '../../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { inboundClusterName } from '../../../shared/xds/index.ts';
import { routeMatch } from './route-match.ts';
import { virtualHost } from './virtual-host.ts';

/** The route configuration inside an inbound HTTP chain; `cluster` differs for ports that no service names. */
export function inboundRouteConfiguration(options: { readonly host: string; readonly servicePort: number; readonly targetPort: number; readonly cluster?: string }): RouteConfiguration {
  const cluster = options.cluster ?? inboundClusterName(options.targetPort);
  return {
    name: cluster,
    validateClusters: false,
    virtualHosts: [{
      ...virtualHost(`inbound|http|${options.servicePort}`, ['*'], [{
        name: 'default',
        match: routeMatch(undefined),
        action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster }, timeout: { seconds: 0, nanos: 0 }, maxGrpcTimeout: { seconds: 0, nanos: 0 }, retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 } } },
        decorator: { operation: options.host === '' ? 'inbound' : `${options.host}:${options.servicePort}/*` },
      }]),
      includeRequestAttemptCount: false,
    }],
  };
}
