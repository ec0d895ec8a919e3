// Hosts that ServiceEntries add, as far as routes of the Gateway API may lead to them.
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import type { ExternalHosts } from '../../mesh/gateway-api/index.ts';

/** The hosts of the ServiceEntries among `objects`; `exportTo` says who sees those of an entry that does not say so itself. */
export function externalHosts(objects: Iterable<IstioObject>, exportTo: readonly string[]): ExternalHosts[] {
  return [...objects].flatMap((object) => (object.kind === 'ServiceEntry' ? [{
    namespace: object.metadata.namespace ?? '', hosts: object.spec.hosts, ports: (object.spec.ports ?? []).map(({ number }) => number), exportTo: object.spec.exportTo?.length ? object.spec.exportTo : exportTo,
  }] : []));
}
