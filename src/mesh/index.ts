// The front door of the mesh floor.
export type { ConfigObject, KubernetesEndpointSlice, KubernetesNamespace, KubernetesPod, KubernetesService, SnapshotInput } from './model/inputs.ts';
export type { EndpointRecord, EndpointSet, Protocol, ServicePortRecord, ServiceRecord, WorkloadRecord } from './model/records.ts';
export { serviceKey, spiffeIdentity } from './model/records.ts';
export type { ConfigRecord, MeshSnapshot, NamespaceRecord, SnapshotChange } from './model/snapshot.ts';
export { parseProxyDescription, type NodeIdentity, type ProxyDescription, type ProxyMetadata } from './model/proxy-description.ts';
export type { NamedResource } from './translate/named-resource.ts';
export type { AffectedTypes, Translator } from './translate/translator-api.ts';
