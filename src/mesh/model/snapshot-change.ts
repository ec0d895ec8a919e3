// What differs between two snapshots: identity of shared records is enough to tell.
import { changedEndpointClusters } from './build-snapshot.ts';
import type { MeshSnapshot, SnapshotChange } from './snapshot.ts';

const KIND_FIELDS = {
  Service: 'services', Workload: 'workloads', Namespace: 'namespaces', Node: 'nodeLocalities', MeshConfig: 'meshConfig',
  VirtualService: 'virtualServices', DestinationRule: 'destinationRules', Gateway: 'gateways', ServiceEntry: 'serviceEntries', WorkloadEntry: 'workloadEntries',
  Sidecar: 'sidecars', PeerAuthentication: 'peerAuthentications', AuthorizationPolicy: 'authorizationPolicies', RequestAuthentication: 'requestAuthentications', KeySet: 'keySets', Telemetry: 'telemetries',
  BackendTls: 'backendTls', GatewayClientCertificate: 'gatewayClientCertificates', GatewaySecretGrant: 'gatewaySecretGrants', GrpcBackends: 'grpcBackends',
} as const satisfies Readonly<Record<string, keyof MeshSnapshot>>;

/** The kinds and clusters that differ between `before` and `after`. */
export function compareSnapshots(before: MeshSnapshot, after: MeshSnapshot): SnapshotChange {
  const kinds = new Set<string>();
  for (const [kind, field] of Object.entries(KIND_FIELDS)) if (before[field] !== after[field]) kinds.add(kind);
  const identitiesChanged = before.endpoints !== after.endpoints && clustersWithNewIdentities(before, after);
  if (before.endpoints !== after.endpoints) kinds.add('Endpoints');
  if (before.endpoints !== after.endpoints && headlessEndpointsChanged(before, after)) kinds.add('HeadlessEndpoints');
  const endpointsOnly = !identitiesChanged && [...kinds].every((kind) => kind === 'Endpoints' || kind === 'Workload');
  return {
    endpointsOnly,
    kinds,
    changedClusters: before.endpoints === after.endpoints ? new Set() : changedEndpointClusters(before, after),
    changedWorkloads: before.workloads === after.workloads ? new Set() : changedAddresses(before, after),
  };
}

function changedAddresses(before: MeshSnapshot, after: MeshSnapshot): Set<string> {
  const changed = new Set<string>();
  for (const [address, workload] of after.workloads) if (before.workloads.get(address) !== workload) changed.add(address);
  for (const address of before.workloads.keys()) if (!after.workloads.has(address)) changed.add(address);
  return changed;
}

/** Endpoints of headless services are addresses that clients dial: listeners and names are made of them. */
function headlessEndpointsChanged(before: MeshSnapshot, after: MeshSnapshot): boolean {
  for (const key of new Set([...before.endpoints.keys(), ...after.endpoints.keys()])) {
    if (before.endpoints.get(key) !== after.endpoints.get(key) && (after.services.get(key) ?? before.services.get(key))?.headless) return true;
  }
  return false;
}

/** Clusters name the identities that their endpoints may have; a new service account changes them. */
function clustersWithNewIdentities(before: MeshSnapshot, after: MeshSnapshot): boolean {
  for (const [key, set] of after.endpoints) {
    const known = before.endpoints.get(key);
    if (known !== set && set.identities.join() !== (known?.identities.join() ?? '')) return true;
  }
  return false;
}
