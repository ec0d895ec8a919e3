// Binds the Gateway API: which routes attach to which listeners, what is wrong with whom, and what the proxies are to do.
// Called by the control plane after each change; pure, so that the same objects in any order give the same answer.
import type { GatewaySecretGrant } from '../model/gateway-api-configuration.ts';
import { backendsOf, referencesOf } from './backends.ts';
import { bindBackendTls } from './backend-tls.ts';
import { bindingContext, type BindingContext } from './binding-context.ts';
import type { GatewayApiBinding, GatewayApiResources } from './binding-types.ts';
import { bindGateways, gatewaysOfRefusedClasses, isServed, type BoundGateway } from './bound-gateway.ts';
import { bindRoutes, routesByListener, type BoundRoute } from './bound-route.ts';
import { clientCertificate } from './client-certificates.ts';
import { connectionVirtualServices } from './connection-virtual-services.ts';
import { gatewayClassStatus, ownClasses } from './gateway-classes.ts';
import { gatewayStatuses } from './gateway-status.ts';
import { deploymentOf, manualHosts, manualSelector, workloadName } from './gateway-workloads.ts';
import { httpVirtualServices } from './http-virtual-services.ts';
import { gatewayRecord } from './listener-records.ts';
import { meshVirtualServices } from './mesh-virtual-services.ts';
import { gatewaysByService, policyStatus } from './policy-status.ts';
import { routeStatus } from './route-status.ts';

/** Configuration, statuses and wanted workloads that follow from `resources`. */
export function bindGatewayApi(resources: GatewayApiResources): GatewayApiBinding {
  const classes = ownClasses(resources.classes);
  const backendTls = bindBackendTls(resources);
  const context = bindingContext(resources, backendTls.unusable);
  const gateways = bindGateways(context, classes);
  const routes = bindRoutes(context, gateways);
  const attached = routesByListener(routes);
  const serving = gatewaysByService(routes);
  return {
    configuration: { ...records(context, gateways, routes, attached), backendTls: backendTls.records, ...secretsOf(context, gateways), grpcBackends: grpcBackends(context, routes) },
    statuses: [
      ...classes.map((item) => gatewayClassStatus(item, resources.bundleVersion)),
      ...gateways.flatMap((gateway) => gatewayStatuses(context, gateway, (listener) => attached.get(listener)?.size ?? 0)),
      ...routes.map((route) => routeStatus(context, route)),
      ...backendTls.policies.map((policy) => policyStatus(policy, serving)),
    ],
    deployments: gateways.filter(({ refused }) => refused === undefined).flatMap((gateway) => deploymentOf(context, gateway) ?? []),
    untouched: [...gateways.filter(({ refused }) => refused !== undefined).map(({ name }) => name), ...gatewaysOfRefusedClasses(resources.gateways, classes)],
  };
}

type Records = Pick<GatewayApiBinding['configuration'], 'gateways' | 'virtualServices'>;

function records(context: BindingContext, gateways: readonly BoundGateway[], routes: readonly BoundRoute[], attached: ReturnType<typeof routesByListener>): Records {
  const served = gateways.flatMap((gateway) => gateway.listeners.filter((listener) => isServed(gateway, listener)).map((listener) => ({ gateway, listener })));
  return {
    gateways: served.map(({ gateway, listener }) => gatewayRecord(gateway, listener, manualSelector(context, gateway.gateway))),
    virtualServices: [
      ...served.flatMap(({ gateway, listener }) => {
        const own = attached.get(listener) ?? new Map<never, never>();
        return listener.mode === 'http' || listener.mode === 'https' ? httpVirtualServices(context, gateway, listener, own) : connectionVirtualServices(context, gateway, listener, own);
      }),
      ...meshVirtualServices(context, routes),
    ],
  };
}

/** Backends of GRPCRoutes that are attached to gateways. */
function grpcBackends(context: BindingContext, routes: readonly BoundRoute[]): readonly string[] {
  const attached = routes.filter(({ route, parents }) => route.kind === 'GRPCRoute' && parents.some(({ attachments }) => attachments.length > 0));
  const found = attached.flatMap(({ route }) => {
    const backends = backendsOf(context, route, 'gateway');
    return referencesOf(route).map((reference) => backends.destination(reference)).flatMap((destination) => (destination ? [`${destination.host}:${destination.port?.number ?? 0}`] : []));
  });
  return [...new Set(found)].sort();
}

/** The Secrets that each Gateway's proxies may have. */
function secretsOf(context: BindingContext, gateways: readonly BoundGateway[]): Pick<GatewayApiBinding['configuration'], 'clientCertificates' | 'secretGrants'> {
  const clientCertificates = gateways.flatMap(({ gateway }) => clientCertificate(context, gateway) ?? []);
  const secretGrants = gateways.flatMap((bound): GatewaySecretGrant[] => {
    const { name, namespace = '' } = bound.gateway.metadata;
    const own = clientCertificates.filter((certificate) => certificate.namespace === namespace && certificate.gateway === name).map(({ secret }) => secret);
    const secrets = [...new Set([...bound.listeners.filter((listener) => isServed(bound, listener)).flatMap(({ certificates }) => certificates), ...own])].sort();
    return secrets.length > 0 ? [{ namespace, gateway: name, serviceAccount: manualHosts(bound.gateway).length > 0 ? undefined : workloadName(bound), secrets }] : [];
  });
  return { clientCertificates, secretGrants };
}
