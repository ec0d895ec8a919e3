// The records a snapshot holds: services, endpoints and workloads in the mesh's own terms, freed of where they came from.

/** Protocol of a service port as the mesh treats it; `unsupported` (UDP) ports are not served. */
export type Protocol = 'tcp' | 'http' | 'http2' | 'grpc' | 'grpc-web' | 'https' | 'tls' | 'mongo' | 'redis' | 'mysql' | 'auto' | 'unsupported';

/** One port of a service. */
export interface ServicePortRecord {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** Port of the workload: a number, or the name of a container port. */
  readonly targetPort: number | string;
}

/** How a service's endpoints are found: endpoint discovery, DNS by the proxy, or the address the client dialled. */
export type ServiceResolution = 'endpoints' | 'dns' | 'dns-round-robin' | 'none';

/** A service of the registry, from a Kubernetes Service or one host of a ServiceEntry. */
export interface ServiceRecord {
  /** Fully qualified host, for example `reviews.bookinfo.svc.cluster.local`, or a wildcard host of a ServiceEntry. */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  /** Virtual addresses; empty for a headless service. */
  readonly addresses: readonly string[];
  readonly ports: readonly ServicePortRecord[];
  readonly resolution: ServiceResolution;
  /** From a ServiceEntry with location MESH_EXTERNAL (or an ExternalName service that leads out of the registry): no mutual TLS, metrics name it external. */
  readonly external: boolean;
  readonly headless: boolean;
  /** Of a service of type ExternalName: host of the service of the registry that it stands for. Such a record has no ports of its own. */
  readonly aliasOf?: string | undefined;
  /** Where it came from. */
  readonly registry: 'Kubernetes' | 'External';
  /** Namespaces that may see it: `*`, `.` or names. */
  readonly exportTo: readonly string[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly subjectAltNames: readonly string[];
  /** Whether clients prefer endpoints near them: of their zone, or of their node. */
  readonly trafficDistribution: 'any' | 'same-zone' | 'same-node';
  /** Milliseconds since 1970; orders records. */
  readonly createdAt: number;
}

/** One endpoint of one service. */
export interface EndpointRecord {
  readonly address: string;
  /** Workload port by service port number. */
  readonly ports: Readonly<Record<number, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly namespace: string;
  readonly workloadName: string;
  readonly podName: string;
  /** The pod's own name in its headless service (its hostname), where it has one. */
  readonly hostname?: string | undefined;
  /** `region/zone/subzone`, possibly empty. */
  readonly locality: string;
  readonly network: string;
  /** The node it runs on; empty when that is not known. */
  readonly nodeName: string;
  readonly weight: number;
  readonly health: 'healthy' | 'unhealthy' | 'draining';
  /** `istio` when the workload's proxy accepts mesh mutual TLS. */
  readonly tlsMode: 'istio' | 'disabled';
  /** Workload ports that take no mutual TLS although `tlsMode` says so (port-level PeerAuthentication DISABLE). */
  readonly plaintextPorts: readonly number[];
}

/** The endpoints of one service: the unit that changes by an endpoint-only push. */
export interface EndpointSet {
  readonly serviceKey: string;
  readonly endpoints: readonly EndpointRecord[];
  /** `spiffe://` identities of the endpoints, sorted. */
  readonly identities: readonly string[];
}

/** A pod as the mesh sees it. */
export interface WorkloadRecord {
  readonly address: string;
  readonly namespace: string;
  readonly podName: string;
  readonly workloadName: string;
  readonly workloadKind: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Container port numbers by name. */
  readonly namedPorts: Readonly<Record<string, number>>;
  readonly tlsMode: 'istio' | 'disabled';
  /** `region/zone/subzone` of its own label, else of its node; possibly empty. */
  readonly locality: string;
  readonly nodeName: string;
}

/** Key of a service in the snapshot's tables: one host may exist in several namespaces (ServiceEntry). */
export function serviceKey(service: Pick<ServiceRecord, 'host' | 'namespace'>): string {
  return `${service.namespace}/${service.host}`;
}

/** SPIFFE identity of a service account. */
export function spiffeIdentity(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
