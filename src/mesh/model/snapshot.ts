// The mesh at one moment: plain, frozen data that translation, analysis and debug read. Built by build-snapshot.ts and
// never changed; consecutive snapshots share every record that did not change, so identity tells what changed.
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { DestinationRule } from '../../shared/api/networking/destination-rule.ts';
import type { Gateway } from '../../shared/api/networking/gateway.ts';
import type { ServiceEntry } from '../../shared/api/networking/service-entry.ts';
import type { Sidecar } from '../../shared/api/networking/sidecar.ts';
import type { VirtualService } from '../../shared/api/networking/virtual-service.ts';
import type { WorkloadEntry } from '../../shared/api/networking/workload-entry.ts';
import type { AuthorizationPolicy } from '../../shared/api/security/authorization-policy.ts';
import type { PeerAuthentication } from '../../shared/api/security/peer-authentication.ts';
import type { RequestAuthentication } from '../../shared/api/security/request-authentication.ts';
import type { Telemetry } from '../../shared/api/telemetry/telemetry.ts';
import type { EndpointSet, ServiceRecord, WorkloadRecord } from './records.ts';

/** A parsed object together with what every use of it needs: who it is and how old. */
export interface ConfigRecord<T> {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; the oldest wins conflicts. */
  readonly createdAt: number;
  readonly spec: T;
  /** `kind/namespace/name`, for logs and `explain`. */
  readonly source: string;
}

/** A namespace and its labels. */
export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A VirtualService with hosts and destinations resolved to full names and delegates merged in. */
export type VirtualServiceRecord = ConfigRecord<VirtualService['spec']>;
/** A DestinationRule with its host resolved. */
export type DestinationRuleRecord = ConfigRecord<DestinationRule['spec']>;
/** A Gateway. */
export type GatewayRecord = ConfigRecord<Gateway['spec']>;
/** A ServiceEntry. */
export type ServiceEntryRecord = ConfigRecord<ServiceEntry['spec']>;
/** A WorkloadEntry. */
export type WorkloadEntryRecord = ConfigRecord<WorkloadEntry['spec']>;
/** A Sidecar. */
export type SidecarRecord = ConfigRecord<Sidecar['spec']>;
/** A PeerAuthentication. */
export type PeerAuthenticationRecord = ConfigRecord<PeerAuthentication['spec']>;
/** An AuthorizationPolicy. */
export type AuthorizationPolicyRecord = ConfigRecord<AuthorizationPolicy['spec']>;
/** A RequestAuthentication. */
export type RequestAuthenticationRecord = ConfigRecord<RequestAuthentication['spec']>;
/** A Telemetry. */
export type TelemetryRecord = ConfigRecord<Telemetry['spec']>;

/** The mesh at one moment. Every list is sorted oldest first, then by namespace and name. */
export interface MeshSnapshot {
  readonly number: number;
  readonly meshConfig: MeshConfig;
  readonly rootNamespace: string;
  readonly domain: string;
  readonly trustDomain: string;
  /** By service key (`namespace/host`), see `serviceKey`. */
  readonly services: ReadonlyMap<string, ServiceRecord>;
  /** Endpoints by service key. */
  readonly endpoints: ReadonlyMap<string, EndpointSet>;
  /** Pods by IP address. */
  readonly workloads: ReadonlyMap<string, WorkloadRecord>;
  readonly namespaces: ReadonlyMap<string, NamespaceRecord>;
  readonly virtualServices: readonly VirtualServiceRecord[];
  readonly destinationRules: readonly DestinationRuleRecord[];
  readonly gateways: readonly GatewayRecord[];
  readonly serviceEntries: readonly ServiceEntryRecord[];
  readonly workloadEntries: readonly WorkloadEntryRecord[];
  readonly sidecars: readonly SidecarRecord[];
  readonly peerAuthentications: readonly PeerAuthenticationRecord[];
  readonly authorizationPolicies: readonly AuthorizationPolicyRecord[];
  readonly requestAuthentications: readonly RequestAuthenticationRecord[];
  readonly telemetries: readonly TelemetryRecord[];
}

/** What differs between two snapshots, for the push filter. */
export interface SnapshotChange {
  /** True when nothing but endpoints changed. */
  readonly endpointsOnly: boolean;
  /** Kinds that changed: `Service`, `Endpoints`, `Workload`, `Namespace`, `MeshConfig`, `VirtualService`, ... */
  readonly kinds: ReadonlySet<string>;
  /** Cluster names whose endpoints changed, for an endpoint push. */
  readonly changedClusters: ReadonlySet<string>;
  /** Addresses of the pods that came, went or changed: what their own proxies serve may have changed. */
  readonly changedWorkloads: ReadonlySet<string>;
}
