// Statuses of BackendTLSPolicies: one entry for each Gateway that sends requests to a targeted Service.
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import { compareText } from './ages.ts';
import { referencesOf } from './backends.ts';
import type { BoundPolicy } from './backend-tls.ts';
import type { GatewayApiStatus } from './binding-types.ts';
import type { BoundRoute } from './bound-route.ts';
import { unlessFault } from './conditions.ts';
import { CONTROLLER_NAME } from './names.ts';

/** The API allows no more ancestors in a status. */
const MAXIMUM_ANCESTORS = 16;

/** Gateways (`namespace/name`) by each Service (`namespace/name`) that their routes lead to. */
export function gatewaysByService(routes: readonly BoundRoute[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { route, parents } of routes) {
    const gateways = parents.flatMap(({ attachments }) => attachments.map(({ gateway }) => gateway.name));
    if (gateways.length === 0) continue;
    for (const { group = '', kind = 'Service', namespace = route.metadata.namespace ?? '', name } of referencesOf(route)) {
      if (group !== '' || kind !== 'Service') continue;
      const key = `${namespace}/${name}`;
      found.set(key, new Set([...(found.get(key) ?? []), ...gateways]));
    }
  }
  return found;
}

/** The status of a policy. */
export function policyStatus({ policy, services, refused, unresolved }: BoundPolicy, gateways: ReadonlyMap<string, ReadonlySet<string>>): GatewayApiStatus {
  const { name, namespace = '', generation = 0 } = policy.metadata;
  const ancestors = [...new Set(services.flatMap((service) => [...(gateways.get(service) ?? [])]))].sort(compareText).slice(0, MAXIMUM_ANCESTORS);
  return {
    kind: 'BackendTLSPolicy', namespace, name, generation,
    status: {
      ancestors: ancestors.map((gateway) => {
        const [ancestorNamespace = '', ancestorName = ''] = gateway.split('/');
        return {
          ancestorRef: { group: GATEWAY_API_GROUP, kind: 'Gateway', namespace: ancestorNamespace, name: ancestorName },
          controllerName: CONTROLLER_NAME,
          conditions: [
            unlessFault('Accepted', refused, 'The policy is in force.', generation),
            unlessFault('ResolvedRefs', unresolved, 'All references resolve.', generation),
          ],
        };
      }),
    },
  };
}
