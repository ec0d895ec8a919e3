// Which resource types a change can affect, so that a push generates no more.
import { parseClusterName, PUSH_ORDER, TYPE_URLS } from '../../shared/xds/index.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import type { SnapshotChange } from '../model/snapshot.ts';

const { cluster, endpoint, listener, route, nameTable } = TYPE_URLS;
const ALL = [cluster, endpoint, listener, route, nameTable];

const AFFECTED: Readonly<Record<string, readonly string[]>> = {
  Endpoints: [endpoint],
  HeadlessEndpoints: [cluster, listener, nameTable],
  Workload: [endpoint],
  Namespace: [],
  // A node's place reaches proxies through its pods and their endpoints.
  Node: [cluster, endpoint],
  VirtualService: [listener, route],
  DestinationRule: [cluster, endpoint, route],
  Gateway: [listener, route],
  Sidecar: ALL,
  Service: ALL,
  ServiceEntry: ALL,
  WorkloadEntry: [endpoint],
  MeshConfig: ALL,
  PeerAuthentication: [cluster, endpoint, listener],
  AuthorizationPolicy: [listener],
  RequestAuthentication: [listener],
  KeySet: [listener],
  Telemetry: [listener],
  BackendTls: [cluster],
  GatewayClientCertificate: [cluster],
  GrpcBackends: [cluster],
  // Secrets are not made from the snapshot; whoever serves them looks at the grants.
  GatewaySecretGrant: [],
};

/**
 * The types, in push order, that `change` can affect; endpoints alone touch nothing else. With a proxy given, a change of its own
 * pod counts too: ports and labels decide what it serves.
 */
export function affectedTypes(change: SnapshotChange, proxy?: Pick<ProxyDescription, 'ipAddresses'>): readonly string[] {
  const affected = new Set(change.endpointsOnly ? (change.kinds.has('Endpoints') ? [endpoint] : []) : [...change.kinds].flatMap((kind) => AFFECTED[kind] ?? ALL));
  // New service accounts among the endpoints change the names that clusters check.
  if (!change.endpointsOnly && change.kinds.has('Endpoints')) affected.add(cluster);
  if (proxy?.ipAddresses.some((address) => change.changedWorkloads.has(address))) for (const type of [cluster, listener]) affected.add(type);
  return PUSH_ORDER.filter((type) => affected.has(type));
}

/** Whether the endpoint assignment `name` (any subset) is among the clusters that a change names. */
export function isEndpointAffected(name: string, change: Pick<SnapshotChange, 'changedClusters'>): boolean {
  const parsed = parseClusterName(name);
  return parsed !== undefined && change.changedClusters.has(`outbound|${parsed.port}||${parsed.host}`);
}
