// What a name of the cluster's zone means, after the Kubernetes DNS specification: services, headless services, the pods
// behind them, and addresses spelled as names.
import type { CachedClient } from '../api-server/cached-client.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { RCODE, RECORD, type Answer, type DnsRecord } from './dns-message.ts';

const SERVICES = { group: '', resource: 'services' };
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', resource: 'endpointslices' };
const ZONE = 'cluster.local';
const UNKNOWN: Answer = { code: RCODE.nameError, records: [] };

interface Address {
  readonly address: string;
  readonly hostname: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

/** Answers questions about names out of the cluster's services. */
export class ClusterNames {
  readonly #client: CachedClient;

  constructor(client: CachedClient) {
    this.#client = client;
    client.table(SERVICES);
    client.table(ENDPOINT_SLICES);
  }

  /** The answer about a name; names outside the cluster's zone are refused, for nothing is forwarded. */
  resolve(name: string, type: number): Answer {
    if (name !== ZONE && !name.endsWith(`.${ZONE}`)) return { code: RCODE.refused, records: [] };
    if (name === ZONE) return { code: RCODE.noError, records: [] };
    const labels = name.slice(0, -ZONE.length - 1).split('.');
    const kind = labels.pop();
    const namespace = labels.pop();
    if (kind === 'pod') return podName(name, labels, type);
    if (kind !== 'svc') return UNKNOWN;
    if (namespace === undefined) return { code: RCODE.noError, records: [] };
    const serviceName = labels.pop();
    if (serviceName === undefined) return { code: RCODE.noError, records: [] };
    const service = this.#client.table(SERVICES).get(namespace, serviceName);
    return service ? this.#service(name, service, labels, type) : UNKNOWN;
  }

  #service(name: string, service: StoredObject, rest: readonly string[], type: number): Answer {
    const spec = service.spec ?? {};
    if (spec.type === 'ExternalName') return rest.length === 0 ? found([{ type: RECORD.CNAME, name, target: spec.externalName }]) : UNKNOWN;
    const headless = spec.clusterIP === 'None' || !spec.clusterIP;
    const addresses = headless ? this.#endpoints(service) : [{ address: spec.clusterIP as string, hostname: '', ports: spec.ports ?? [] }];
    if (rest.length === 2 && rest[0]?.startsWith('_') && rest[1]?.startsWith('_')) return portName(name, rest[0].slice(1), rest[1].slice(1), addresses, headless);
    if (rest.length > 1) return UNKNOWN;
    const hostname = rest[0];
    const chosen = hostname === undefined ? addresses : headless ? addresses.filter((entry) => entry.hostname === hostname || dashed(entry.address) === hostname) : [];
    if (chosen.length === 0) return UNKNOWN;
    return type === RECORD.A || type === RECORD.ANY ? found(chosen.map((entry) => ({ type: RECORD.A, name, address: entry.address }))) : found([]);
  }

  #endpoints(service: StoredObject): Address[] {
    const slices = this.#client.table(ENDPOINT_SLICES).list(service.metadata.namespace).filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name);
    return slices.flatMap((slice) => (slice['endpoints'] ?? [])
      .filter((endpoint: StoredObject['spec']) => endpoint.conditions?.ready ?? true)
      .map((endpoint: StoredObject['spec']) => ({ address: endpoint.addresses[0], hostname: endpoint.hostname ?? '', ports: slice['ports'] ?? [] })));
  }
}

function found(records: readonly DnsRecord[]): Answer {
  return { code: RCODE.noError, records };
}

function dashed(address: string): string {
  return address.replaceAll('.', '-');
}

function podName(name: string, labels: readonly string[], type: number): Answer {
  const address = labels.length === 1 ? labels[0]?.replaceAll('-', '.') : undefined;
  if (address === undefined || !/^(\d{1,3}\.){3}\d{1,3}$/.test(address) || address.split('.').some((part) => Number(part) > 255)) return UNKNOWN;
  return found(type === RECORD.A || type === RECORD.ANY ? [{ type: RECORD.A, name, address }] : []);
}

function portName(name: string, port: string, protocol: string, addresses: readonly Address[], headless: boolean): Answer {
  const records: DnsRecord[] = [];
  const base = name.split('.').slice(2).join('.');
  for (const entry of addresses) {
    const match = entry.ports.find((candidate) => candidate.name === port && (candidate.protocol ?? 'TCP').toLowerCase() === protocol);
    if (match) records.push({ type: RECORD.SRV, name, port: match.port, target: headless ? `${entry.hostname || dashed(entry.address)}.${base}` : base });
  }
  return records.length > 0 ? found(records) : UNKNOWN;
}
