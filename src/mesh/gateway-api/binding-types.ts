// What binding the Gateway API takes and gives: plain data in, internal configuration, statuses and wanted workloads out.
// The control plane collects the input from its caches and writes the output; offline tools may do the same from files.
import type { Condition } from '../../shared/api/meta/index.ts';
import type { BackendTLSPolicy, PolicyAncestorStatus } from '../../shared/api/gateway-api/backend-tls-policy.ts';
import type { GatewayClass } from '../../shared/api/gateway-api/gateway-class.ts';
import type { GatewayAddress, KubernetesGateway, ListenerSet, ListenerStatus } from '../../shared/api/gateway-api/gateway.ts';
import type { GRPCRoute, HTTPRoute } from '../../shared/api/gateway-api/http-route.ts';
import type { TCPRoute, TLSRoute } from '../../shared/api/gateway-api/l4-routes.ts';
import type { ReferenceGrant } from '../../shared/api/gateway-api/reference-grant.ts';
import type { LocalObjectReference, RouteParentStatus } from '../../shared/api/gateway-api/shared.ts';
import type { GatewayApiConfiguration } from '../model/gateway-api-configuration.ts';
import type { KubernetesNamespace, KubernetesService } from '../model/inputs.ts';

/** What is known of a Secret that something refers to; keys stay with the control plane. */
export interface SecretVerdict {
  /** `kubernetes.io/tls`, `Opaque`, ... */
  readonly type: string;
  /** Whether it holds a certificate and the key to it that both parse and belong together. */
  readonly keyPair: 'valid' | 'missing' | 'invalid';
  /** Why the pair is not valid, for users. */
  readonly message?: string | undefined;
  /** PEM of `ca.crt`, checked to hold at least one certificate; absent when there is none. */
  readonly caCertificates?: string | undefined;
}

/** What is known of a ConfigMap that something refers to. */
export interface ConfigMapVerdict {
  /** PEM of `ca.crt`, checked to hold at least one certificate; absent when missing or malformed. */
  readonly caCertificates?: string | undefined;
  /** Why what it holds can not be parameters of a workload, for users. */
  readonly parametersFault?: string | undefined;
  /** Digest of what it holds of parameters. */
  readonly parametersDigest?: string | undefined;
}

/** How the workload behind a Gateway fares: its Service's addresses and whether proxies are ready. */
export interface GatewayWorkloadState {
  /** Addresses under which clients reach it, the most public ones first: of the load balancer, else the ClusterIP. Empty while there are none. */
  readonly addresses: readonly GatewayAddress[];
  /** Whether at least one proxy is ready. */
  readonly ready: boolean;
  /** What keeps it from being ready, for users. */
  readonly message?: string | undefined;
  /** Addresses asked for that the platform can not give. */
  readonly refusedAddresses?: readonly string[] | undefined;
}

/** Hosts of one ServiceEntry. */
export interface ExternalHosts {
  /** Of the ServiceEntry. */
  readonly namespace: string;
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  /** Namespaces that see them, as in `exportTo`, the mesh's default applied. */
  readonly exportTo: readonly string[];
}

/** Everything that is bound. The order of the lists does not matter. */
export interface GatewayApiResources {
  readonly classes: readonly GatewayClass[];
  readonly gateways: readonly KubernetesGateway[];
  readonly listenerSets: readonly ListenerSet[];
  readonly httpRoutes: readonly HTTPRoute[];
  readonly grpcRoutes: readonly GRPCRoute[];
  readonly tlsRoutes: readonly TLSRoute[];
  readonly tcpRoutes: readonly TCPRoute[];
  readonly referenceGrants: readonly ReferenceGrant[];
  readonly backendTlsPolicies: readonly BackendTLSPolicy[];
  readonly services: readonly KubernetesService[];
  readonly namespaces: readonly KubernetesNamespace[];
  /** What ServiceEntries add to the Services; nothing when absent. */
  readonly externalHosts?: readonly ExternalHosts[] | undefined;
  /** By `namespace/name`; only those that `referencedObjects` names are needed. Absent: the Secret does not exist. */
  readonly secrets: ReadonlyMap<string, SecretVerdict>;
  /** By `namespace/name`; only those that `referencedObjects` names are needed. */
  readonly configMaps: ReadonlyMap<string, ConfigMapVerdict>;
  /** ConfigMaps that are referred to and have not been read yet, `namespace/name`: they may be there or not. */
  readonly unreadConfigMaps?: ReadonlySet<string> | undefined;
  /** By the Gateway's `namespace/name`; absent while nothing is deployed. */
  readonly workloads: ReadonlyMap<string, GatewayWorkloadState>;
  /** Cluster domain, `cluster.local`. */
  readonly domain: string;
  /** `gateway.networking.k8s.io/bundle-version` of the installed definitions (annotation of the GatewayClass definition), when known. */
  readonly bundleVersion?: string | undefined;
}

/** Conditions as written here; the writer of statuses adds times. */
export interface GatewayApiCondition {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** The complete status of a GatewayClass. */
export interface GatewayClassStatus {
  readonly conditions: readonly GatewayApiCondition[];
  readonly supportedFeatures: readonly { readonly name: string }[];
}

/** The complete status of a Gateway. */
export interface GatewayStatus {
  readonly addresses: readonly { readonly type: string; readonly value: string }[];
  readonly conditions: readonly GatewayApiCondition[];
  readonly listeners: readonly BoundListenerStatus[];
  readonly attachedListenerSets?: number;
}

/** A listener's part of a status. */
export type BoundListenerStatus = Omit<ListenerStatus, 'conditions'> & { readonly conditions: readonly GatewayApiCondition[] };

/** The complete status of a ListenerSet. */
export interface ListenerSetStatus {
  readonly conditions: readonly GatewayApiCondition[];
  readonly listeners: readonly BoundListenerStatus[];
}

/** Our part of a route's status: the writer keeps the entries of other controllers and replaces all of ours by these, also when there are none. */
export interface RouteStatus {
  readonly parents: readonly (Omit<RouteParentStatus, 'conditions'> & { readonly conditions: readonly GatewayApiCondition[] })[];
}

/** Our part of a policy's status, to be merged like a route's. */
export interface PolicyStatus {
  readonly ancestors: readonly (Omit<PolicyAncestorStatus, 'conditions'> & { readonly conditions: readonly GatewayApiCondition[] })[];
}

interface StatusOf<Kind extends string, Status> {
  readonly kind: Kind;
  /** Empty for a GatewayClass. */
  readonly namespace: string;
  readonly name: string;
  /** Generation of the object that the status speaks about. */
  readonly generation: number;
  readonly status: Status;
}

/** The status of one object. */
export type GatewayApiStatus =
  | StatusOf<'GatewayClass', GatewayClassStatus>
  | StatusOf<'Gateway', GatewayStatus>
  | StatusOf<'ListenerSet', ListenerSetStatus>
  | StatusOf<'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute', RouteStatus>
  | StatusOf<'BackendTLSPolicy', PolicyStatus>;

/** A workload that a Gateway wants: one Deployment, ServiceAccount and Service of the same name in the Gateway's namespace. */
export interface GatewayDeployment {
  /** Owner of the objects. */
  readonly gateway: { readonly namespace: string; readonly name: string; readonly uid: string; readonly apiVersion: string };
  readonly className: string;
  /** Name of the objects: `<gateway>-<class>`, as Istio's. */
  readonly name: string;
  /** Labels of all objects and pods: those of `spec.infrastructure` and the ones that select the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of all objects and pods, from `spec.infrastructure`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What the pods are selected by. */
  readonly selector: Readonly<Record<string, string>>;
  /** Ports of the Service, in order of number. The proxy listens on the target ports of the Service. */
  readonly ports: readonly { readonly name: string; readonly port: number; readonly appProtocol?: string }[];
  /** `LoadBalancer` unless the annotation `networking.istio.io/service-type` says otherwise. */
  readonly serviceType: 'LoadBalancer' | 'NodePort' | 'ClusterIP';
  /** IP addresses asked for. */
  readonly addresses: readonly string[];
  readonly parametersRef?: LocalObjectReference;
  /** Whether the parameters have not been read yet: until then the workload stays as it is. */
  readonly awaitsParameters?: true;
  /** Digest of the parameters, which tells one version of them from the next. */
  readonly parametersDigest?: string;
}

/** What comes of binding. */
export interface GatewayApiBinding {
  /** Goes into the snapshot's input (`SnapshotInput.gatewayApi`). */
  readonly configuration: GatewayApiConfiguration;
  readonly statuses: readonly GatewayApiStatus[];
  readonly deployments: readonly GatewayDeployment[];
  /** `namespace/name` of Gateways that are not accepted at present: what is deployed for them stays as it is. */
  readonly untouched: readonly string[];
}

/** Objects beside the Gateway API whose content decides: each `namespace/name`, sorted. */
export interface ReferencedObjects {
  readonly secrets: readonly string[];
  readonly configMaps: readonly string[];
}
