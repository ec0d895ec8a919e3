// IST0145: two gateways for the same pods claim the same host on the same port, so that one of them is never used.
import type { Issue } from '../../shared/lib/index.ts';
import { selects } from '../model/policy-selection.ts';
import type { GatewayRecord } from '../model/snapshot.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';

/** Finds gateways in each other's way. */
export const conflictingGateways: Analyzer = {
  codes: ['IST0145'],
  analyze: (snapshot) => snapshot.gateways.flatMap((gateway) => conflictsOf(gateway, snapshot.gateways.filter((other) => other !== gateway && samePods(gateway, other)))),
};

function conflictsOf(gateway: GatewayRecord, others: readonly GatewayRecord[]): Issue[] {
  return (gateway.spec.servers ?? []).flatMap((server, index) => {
    const rivals = others.filter((other) => other.spec.servers?.some((rival) => rival.port.number === server.port.number && rival.hosts.some((host) => server.hosts.some((own) => bareHost(own) === bareHost(host)))));
    if (rivals.length === 0) return [];
    const names = rivals.map((rival) => `${rival.namespace}/${rival.name}`).join(',');
    const selector = Object.entries(gateway.spec.selector ?? {}).map(([key, value]) => `${key}=${value}`).join(',');
    return [finding('IST0145', 'error', referenceTo(gateway), `spec.servers[${index}]`,
      `Conflict with gateways ${names} (workload selector ${selector}, port ${server.port.number}, hosts ${server.hosts.join(',')}). Give each host and port to one gateway.`)];
  });
}

/** Selectors that could select the same pod: one holds all labels of the other. */
function samePods(left: GatewayRecord, right: GatewayRecord): boolean {
  const [one, two] = [left.spec.selector ?? {}, right.spec.selector ?? {}];
  return selects(one, two) || selects(two, one);
}

/** The host without the namespace in front of it. */
function bareHost(host: string): string {
  return host.slice(host.indexOf('/') + 1);
}
