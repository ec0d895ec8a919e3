// The front door of the mesh floor.
export { buildSnapshot, changedEndpointClusters, withEndpoints } from './model/build-snapshot.ts';
export { destinationRuleFor } from './model/destination-rules.ts';
export { hostCovers, isWildcard, mostSpecificMatch, resolveHost } from './model/host-name.ts';
export type { ConfigObject, KubernetesEndpointSlice, KubernetesNamespace, KubernetesPod, KubernetesService, SnapshotInput } from './model/inputs.ts';
export { mutualTlsFor, policiesFor, selects, telemetriesFor, type MutualTlsMode, type WorkloadMutualTls } from './model/policy-selection.ts';
export { keySetSources, type KeySetSource } from './model/key-sets.ts';
export { parseProxyDescription, type NodeIdentity, type ProxyDescription, type ProxyMetadata } from './model/proxy-description.ts';
export { serviceKey, spiffeIdentity, type EndpointRecord, type EndpointSet, type Protocol, type ServicePortRecord, type ServiceRecord, type WorkloadRecord } from './model/records.ts';
export type { ConfigRecord, MeshSnapshot, NamespaceRecord, SnapshotChange } from './model/snapshot.ts';
export { compareSnapshots } from './model/snapshot-change.ts';
export { isVisible } from './model/visibility.ts';
export type { NamedResource } from './translate/named-resource.ts';
export { affectedTypes, isEndpointAffected } from './translate/push-filter.ts';
export type { AffectedTypes, Translator } from './translate/translator-api.ts';
export { createTranslator, generate } from './translate/translator.ts';
