// Everything that a shared resource is made from, for the cache: records and lists by identity, what matters of the proxy by value. A generator that reads
// something new gets it added here; a property test compares what is kept with what is made afresh.
import { policiesFor, telemetriesFor } from '../model/policy-selection.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import { headlessEndpoints } from './headless.ts';
import type { ProxyView } from './proxy-view.ts';
import { requestAuthenticationsFor } from './security/jwt.ts';

const proxyKeys = new WeakMap<ProxyDescription, string>();

/** What replicas of one workload have in common, and all that outbound resources depend on of a proxy. */
function workloadKey(proxy: ProxyDescription): string {
  let key = proxyKeys.get(proxy);
  if (key === undefined) {
    const { type, namespace, labels, workloadName, dnsDomain, isMizzen, metadata } = proxy;
    const { interceptionMode, httpProxyPort, clusterId, meshId } = metadata;
    key = JSON.stringify([type, namespace, Object.entries(labels).sort(), workloadName, dnsDomain, isMizzen, interceptionMode, httpProxyPort, clusterId, meshId]);
    proxyKeys.set(proxy, key);
  }
  return key;
}

/** What an outbound route configuration of a sidecar is made from. */
export function outboundRouteInputs(view: ProxyView): unknown[] {
  const { snapshot, proxy, sidecar } = view;
  return [view.services, view.meshVirtualServices, snapshot.destinationRules, snapshot.meshConfig, sidecar, proxy.namespace, proxy.dnsDomain, JSON.stringify(Object.entries(proxy.labels).sort()), view.allowAny];
}

/** What the outbound listeners of a sidecar are made from. */
export function outboundListenerInputs(view: ProxyView): unknown[] {
  const { snapshot, proxy } = view;
  return [view.services, view.meshVirtualServices, snapshot.services, snapshot.meshConfig, snapshot.rootNamespace, snapshot.domain, view.captured, view.families, view.allowAny, workloadKey(proxy), ...telemetriesFor(snapshot, proxy), 'headless', ...headlessEndpoints(view)];
}

/** What a route configuration of a gateway is made from. Ports of its pod matter where a Service names them. */
export function gatewayRouteInputs(view: ProxyView): unknown[] {
  const { snapshot, proxy } = view;
  const workload = proxy.ipAddresses.map((address) => snapshot.workloads.get(address)).find((record) => record !== undefined);
  const pod = workload && JSON.stringify([Object.entries(workload.labels).sort(), Object.entries(workload.namedPorts).sort()]);
  return [view.services, snapshot.services, snapshot.gateways, snapshot.virtualServices, snapshot.destinationRules, snapshot.meshConfig, snapshot.rootNamespace, snapshot.domain, pod, view.families, workloadKey(proxy)];
}

/** What the listeners of a gateway are made from. */
export function gatewayListenerInputs(view: ProxyView): unknown[] {
  const { snapshot, proxy } = view;
  return [...gatewayRouteInputs(view), snapshot.trustDomain, 'tokens', snapshot.keySets, ...requestAuthenticationsFor(snapshot, proxy), 'policies', ...policiesFor(snapshot.authorizationPolicies, snapshot.rootNamespace, proxy), 'telemetries', ...telemetriesFor(snapshot, proxy)];
}
