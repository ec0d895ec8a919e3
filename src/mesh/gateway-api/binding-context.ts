// What every step of binding looks things up in: indexes over the resources, made once.
import type { KubernetesService } from '../model/inputs.ts';
import type { ExternalHosts, GatewayApiResources } from './binding-types.ts';
import { permissionsOf, type Permits } from './grants.ts';

/** The indexes. */
export interface BindingContext {
  readonly resources: GatewayApiResources;
  readonly permits: Permits;
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, KubernetesService>;
  /** ServiceEntries by each of their hosts, in small letters. */
  readonly externalHosts: ReadonlyMap<string, readonly ExternalHosts[]>;
  /** Labels by name of namespace. */
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** `host:port` of backends that a policy demands TLS to and gives nothing to trust: requests to them fail. */
  readonly unusableBackends: ReadonlySet<string>;
}

/** The indexes over `resources`. */
export function bindingContext(resources: GatewayApiResources, unusableBackends: ReadonlySet<string>): BindingContext {
  return {
    resources,
    permits: permissionsOf(resources.referenceGrants),
    services: new Map(resources.services.map((service) => [`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`, service])),
    externalHosts: byHost(resources.externalHosts ?? []),
    namespaceLabels: new Map(resources.namespaces.map(({ metadata }) => [metadata?.name ?? '', { 'kubernetes.io/metadata.name': metadata?.name ?? '', ...metadata?.labels }])),
    unusableBackends,
  };
}

function byHost(entries: readonly ExternalHosts[]): ReadonlyMap<string, readonly ExternalHosts[]> {
  const found = new Map<string, ExternalHosts[]>();
  for (const entry of entries) for (const host of entry.hosts) found.set(host.toLowerCase(), [...(found.get(host.toLowerCase()) ?? []), entry]);
  return found;
}
