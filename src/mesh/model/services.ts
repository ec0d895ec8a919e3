// The service registry: records from Kubernetes Services and from the hosts of ServiceEntries.
import type { ServiceEntry } from '../../shared/api/networking/service-entry.ts';
import type { KubernetesService, SnapshotInput } from './inputs.ts';
import { declaredProtocol, selectProtocol } from './protocol.ts';
import type { ServicePortRecord, ServiceRecord, ServiceResolution } from './records.ts';

const EXPORT_ANNOTATION = 'networking.istio.io/exportTo';
const DISTRIBUTION_ANNOTATION = 'networking.istio.io/traffic-distribution';

/** The values of `spec.trafficDistribution`; PreferClose is the older name of PreferSameZone. */
const DISTRIBUTIONS: Readonly<Record<string, ServiceRecord['trafficDistribution']>> = { preferclose: 'same-zone', prefersamezone: 'same-zone', prefersamenode: 'same-node' };

/** The annotation wins over the field, as it can say `Any`. */
function trafficDistribution(field: string | undefined, annotations: Readonly<Record<string, string>>): ServiceRecord['trafficDistribution'] {
  return DISTRIBUTIONS[(annotations[DISTRIBUTION_ANNOTATION] ?? field ?? '').toLowerCase()] ?? 'any';
}

/** Milliseconds since 1970 of an object's creation; objects without one are the oldest. */
export function createdAt(metadata: { readonly creationTimestamp?: string | undefined } | undefined): number {
  const time = Date.parse(metadata?.creationTimestamp ?? '');
  return Number.isNaN(time) ? 0 : time;
}

/** The record of a Kubernetes Service; of an ExternalName `aliasOf` is any name, until it is resolved among all services. */
export function kubernetesServiceRecord(service: KubernetesService, input: Pick<SnapshotInput, 'domain' | 'meshConfig'>): ServiceRecord {
  const { name = '', namespace = '', labels = {}, annotations = {} } = service.metadata ?? {};
  const { clusterIP, clusterIPs, type, selector, ports = [], externalName = '' } = service.spec ?? {};
  const external = type === 'ExternalName';
  const headless = !external && clusterIP === 'None';
  const addresses = headless || external ? [] : [...new Set([...(clusterIP ? [clusterIP] : []), ...(clusterIPs ?? [])])];
  return {
    host: `${name}.${namespace}.svc.${input.domain}`,
    name,
    namespace,
    addresses,
    ports: ports.map((port): ServicePortRecord => ({
      name: port.name ?? '',
      number: port.port,
      protocol: selectProtocol(port.name ?? '', port.port, port.protocol, port.appProtocol),
      targetPort: port.targetPort ?? port.port,
    })),
    resolution: external ? 'dns' : 'endpoints',
    external,
    headless,
    ...(external ? { aliasOf: externalName.toLowerCase().replace(/\.$/, '') } : {}),
    registry: 'Kubernetes',
    exportTo: annotations[EXPORT_ANNOTATION]?.split(',').map((item) => item.trim()).filter((item) => item !== '') ?? input.meshConfig.defaultServiceExportTo,
    selector,
    labels,
    subjectAltNames: [],
    trafficDistribution: trafficDistribution(service.spec?.trafficDistribution, annotations),
    createdAt: createdAt(service.metadata),
  };
}

const RESOLUTIONS: Readonly<Record<string, ServiceResolution>> = { STATIC: 'endpoints', DNS: 'dns', DNS_ROUND_ROBIN: 'dns-round-robin', DYNAMIC_DNS: 'none', NONE: 'none' };

/** The records of a ServiceEntry, one a host. */
export function serviceEntryRecords(entry: ServiceEntry, input: Pick<SnapshotInput, 'meshConfig'>): ServiceRecord[] {
  const { name = '', namespace = '', labels = {}, annotations = {} } = entry.metadata;
  const { spec } = entry;
  return spec.hosts.map((host) => ({
    host: host.toLowerCase(),
    name,
    namespace,
    addresses: spec.addresses ?? [],
    ports: (spec.ports ?? []).map((port): ServicePortRecord => ({
      name: port.name,
      number: port.number,
      protocol: declaredProtocol(port.protocol),
      targetPort: port.targetPort ?? port.number,
    })),
    resolution: RESOLUTIONS[spec.resolution ?? 'NONE'] ?? 'none',
    external: (spec.location ?? 'MESH_EXTERNAL') === 'MESH_EXTERNAL',
    headless: false,
    registry: 'External',
    exportTo: spec.exportTo?.length ? spec.exportTo : input.meshConfig.defaultServiceExportTo,
    selector: spec.workloadSelector?.labels,
    labels,
    subjectAltNames: spec.subjectAltNames ?? [],
    trafficDistribution: trafficDistribution(undefined, annotations),
    createdAt: createdAt(entry.metadata),
  }));
}
