// IST0101: a virtual service names a gateway, host or subset that is not there; a gateway selects no pod.
import type { Issue } from '../../shared/lib/index.ts';
import { hostCovers } from '../model/host-name.ts';
import { selects } from '../model/policy-selection.ts';
import type { GatewayRecord, MeshSnapshot, VirtualServiceRecord } from '../model/snapshot.ts';
import { isVisible } from '../model/visibility.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';
import { routedDestinations } from './routed-destinations.ts';

const CODE = 'IST0101';

/** Finds references to what does not exist. */
export const referencedResources: Analyzer = {
  codes: [CODE],
  analyze: (snapshot) => [
    ...snapshot.virtualServices.flatMap((record) => [...missingGateways(snapshot, record), ...missingDestinations(snapshot, record)]),
    ...snapshot.gateways.flatMap((record) => emptySelection(snapshot, record)),
  ],
};

/** Key of the gateway that `name` means in a virtual service of `namespace`. */
export function gatewayKey(name: string, namespace: string): string {
  return name.includes('/') ? name : `${namespace}/${name}`;
}

function missingGateways(snapshot: MeshSnapshot, record: VirtualServiceRecord): Issue[] {
  const known = new Set(snapshot.gateways.map((gateway) => `${gateway.namespace}/${gateway.name}`));
  return (record.spec.gateways ?? []).flatMap((name, index) => {
    if (name === 'mesh' || known.has(gatewayKey(name, record.namespace))) return [];
    return [finding(CODE, 'error', referenceTo(record), `spec.gateways[${index}]`, `Referenced gateway not found: ${name}. Create it, or correct the name (namespace/name for another namespace).`)];
  });
}

function missingDestinations(snapshot: MeshSnapshot, record: VirtualServiceRecord): Issue[] {
  return routedDestinations(record).flatMap(({ host, subset, path }) => {
    const services = [...snapshot.services.values()].filter((service) => hostCovers(service.host, host) && isVisible(service.exportTo, service.namespace, record.namespace));
    if (services.length === 0) return [finding(CODE, 'error', referenceTo(record), `${path}.host`, `Referenced host not found: ${host}. Create the Service or ServiceEntry, or correct the name.`)];
    if (subset === undefined || subset === '') return [];
    const rules = snapshot.destinationRules.filter((rule) => hostCovers(rule.spec.host, host));
    if (rules.some((rule) => rule.spec.subsets?.some((known) => known.name === subset))) return [];
    return [finding(CODE, 'error', referenceTo(record), `${path}.subset`, `Referenced host+subset in destinationrule not found: ${host}+${subset}. Add the subset to a DestinationRule of the host.`)];
  });
}

function emptySelection(snapshot: MeshSnapshot, record: GatewayRecord): Issue[] {
  const selector = record.spec.selector ?? {};
  if (Object.keys(selector).length === 0 || [...snapshot.workloads.values()].some((workload) => selects(selector, workload.labels))) return [];
  const text = Object.entries(selector).map(([key, value]) => `${key}=${value}`).join(',');
  return [finding(CODE, 'error', referenceTo(record), 'spec.selector', `Referenced selector not found: ${text}. No pod has these labels; start a gateway with them or correct the selector.`)];
}
