// The mesh at one moment: plain, frozen data that translation, analysis and debug read. Built by build-snapshot.ts and
// never changed; consecutive snapshots share every record that did not change, so identity tells what changed.
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { DestinationRule } from '../../shared/api/networking/destination-rule.ts';
import type { ServiceEntry } from '../../shared/api/networking/service-entry.ts';
import type { Sidecar } from '../../shared/api/networking/sidecar.ts';
import type { WorkloadEntry } from '../../shared/api/networking/workload-entry.ts';
import type { AuthorizationPolicy } from '../../shared/api/security/authorization-policy.ts';
import type { PeerAuthentication } from '../../shared/api/security/peer-authentication.ts';
import type { RequestAuthentication } from '../../shared/api/security/request-authentication.ts';
import type { Telemetry } from '../../shared/api/telemetry/telemetry.ts';
import type { ConfigRecord } from './config-record.ts';
import type { BackendTlsRecord, GatewayClientCertificate, GatewaySecretGrant, ModelGateway, ModelVirtualService } from './gateway-api-configuration.ts';
import type { EndpointSet, ServiceRecord, WorkloadRecord } from './records.ts';

export type { ConfigRecord } from './config-record.ts';

/** A namespace and its labels. */
export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A VirtualService with hosts and destinations resolved to full names and delegates merged in, or routes of the Gateway API. */
export type VirtualServiceRecord = ConfigRecord<ModelVirtualService>;
/** A DestinationRule with its host resolved. */
export type DestinationRuleRecord = ConfigRecord<DestinationRule['spec']>;
/** A Gateway, or a listener of one of the Gateway API. */
export type GatewayRecord = ConfigRecord<ModelGateway>;
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
  /** `region/zone/subzone` by node name, of the nodes that tell it. */
  readonly nodeLocalities: ReadonlyMap<string, string>;
  readonly virtualServices: readonly VirtualServiceRecord[];
  readonly destinationRules: readonly DestinationRuleRecord[];
  readonly gateways: readonly GatewayRecord[];
  readonly serviceEntries: readonly ServiceEntryRecord[];
  readonly workloadEntries: readonly WorkloadEntryRecord[];
  readonly sidecars: readonly SidecarRecord[];
  readonly peerAuthentications: readonly PeerAuthenticationRecord[];
  readonly authorizationPolicies: readonly AuthorizationPolicyRecord[];
  readonly requestAuthentications: readonly RequestAuthenticationRecord[];
  /** Key sets that were fetched for them, JSON by `KeySetSource.key`. */
  readonly keySets: ReadonlyMap<string, string>;
  readonly telemetries: readonly TelemetryRecord[];
  /** TLS to backends, from the Gateway API. */
  readonly backendTls: readonly BackendTlsRecord[];
  readonly gatewayClientCertificates: readonly GatewayClientCertificate[];
  readonly gatewaySecretGrants: readonly GatewaySecretGrant[];
  /** `host:port` of backends that gateways speak gRPC to. */
  readonly grpcBackends: readonly string[];
}

/** What differs between two snapshots, for the push filter. */
export interface SnapshotChange {
  /** True when nothing but endpoints changed. */
  readonly endpointsOnly: boolean;
  /** Kinds that changed: `Service`, `Endpoints`, `HeadlessEndpoints` (beside the former), `Workload`, `Namespace`, `MeshConfig`, `VirtualService`, ... */
  readonly kinds: ReadonlySet<string>;
  /** Cluster names whose endpoints changed, for an endpoint push. */
  readonly changedClusters: ReadonlySet<string>;
  /** Addresses of the pods that came, went or changed: what their own proxies serve may have changed. */
  readonly changedWorkloads: ReadonlySet<string>;
}
