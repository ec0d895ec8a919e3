// IST0109: two virtual services for the mesh claim one host. IST0132: a virtual service's host is not served by its gateway.
import type { Issue } from '../../shared/lib/index.ts';
import { hostsOverlap } from '../model/host-name.ts';
import type { MeshSnapshot, VirtualServiceRecord } from '../model/snapshot.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';
import { gatewayKey } from './referenced-resources.ts';

/** Finds hosts claimed twice, or in vain. */
export const virtualServiceHosts: Analyzer = {
  codes: ['IST0109', 'IST0132'],
  analyze: (snapshot) => [...claimedTwice(snapshot), ...snapshot.virtualServices.flatMap((record) => notServed(snapshot, record))],
};

function claimedTwice(snapshot: MeshSnapshot): Issue[] {
  const claims = new Map<string, VirtualServiceRecord[]>();
  for (const record of snapshot.virtualServices) {
    const gateways = record.spec.gateways ?? [];
    if (gateways.length > 0 && !gateways.includes('mesh')) continue;
    // Exported to their own namespace alone, two may name the same host without meeting.
    const reach = record.spec.exportTo?.length === 1 && record.spec.exportTo[0] === '.' ? record.namespace : '*';
    for (const host of record.spec.hosts ?? []) claims.set(`${reach}/${host}`, [...(claims.get(`${reach}/${host}`) ?? []), record]);
  }
  return [...claims].filter(([, records]) => records.length > 1).flatMap(([key, records]) => {
    const names = records.map((record) => `${record.namespace}/${record.name}`).join(',');
    const host = key.slice(key.indexOf('/') + 1);
    return records.map((record) => finding('IST0109', 'error', referenceTo(record), 'spec.hosts', `The virtual services ${names} for the mesh gateway define the same host ${host}; only the oldest is used. Merge them.`));
  });
}

function notServed(snapshot: MeshSnapshot, record: VirtualServiceRecord): Issue[] {
  return (record.spec.gateways ?? []).filter((name) => name !== 'mesh').flatMap((name) => {
    const gateway = snapshot.gateways.find((candidate) => `${candidate.namespace}/${candidate.name}` === gatewayKey(name, record.namespace));
    if (!gateway) return [];
    const served = (gateway.spec.servers ?? []).flatMap((server) => server.hosts).filter((host) => reaches(host, gateway.namespace, record.namespace)).map((host) => host.slice(host.indexOf('/') + 1));
    return (record.spec.hosts ?? []).filter((host) => !served.some((own) => hostsOverlap(own, host)))
      .map((host) => finding('IST0132', 'warning', referenceTo(record), 'spec.hosts', `One or more hosts [${host}] defined in the virtual service were not found in gateway ${name}. Add the host to a server of the gateway.`));
  });
}

/** Whether a gateway's host, perhaps `namespace/host`, takes virtual services of `namespace`. */
function reaches(host: string, gatewayNamespace: string, namespace: string): boolean {
  const at = host.indexOf('/');
  const scope = at === -1 ? '*' : host.slice(0, at);
  return scope === '*' || scope === namespace || (scope === '.' && gatewayNamespace === namespace);
}
