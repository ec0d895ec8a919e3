// Namespaces, nodes, configuration and identity kinds of Kubernetes: only the fields that our programs read.
import type { KubernetesObject, ResourceType } from '../meta/index.ts';

/** A namespace. */
export interface Namespace extends KubernetesObject {
  status?: { phase?: string };
}

/** A node. */
export interface Node extends KubernetesObject {
  status?: { addresses?: { type: string; address: string }[]; nodeInfo?: { kubeletVersion?: string } };
}

/** A ConfigMap. */
export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

/** A Secret; `data` is base64. */
export interface Secret extends KubernetesObject {
  type?: string;
  data?: Record<string, string>;
}

/** A ServiceAccount. */
export type ServiceAccount = KubernetesObject;

/** An Event of the core group. */
export interface Event extends KubernetesObject {
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string;
  lastTimestamp?: string;
  involvedObject?: { apiVersion?: string; kind?: string; name?: string; namespace?: string; uid?: string };
}

/** A Lease, the lock of leader election. */
export interface Lease extends KubernetesObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; acquireTime?: string; renewTime?: string; leaseTransitions?: number };
}

/** Namespaces. */
export const NamespaceResource: ResourceType<Namespace> = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', scope: 'Cluster' };
/** Nodes. */
export const NodeResource: ResourceType<Node> = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', scope: 'Cluster' };
/** ConfigMaps. */
export const ConfigMapResource: ResourceType<ConfigMap> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', scope: 'Namespaced' };
/** Secrets. */
export const SecretResource: ResourceType<Secret> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', scope: 'Namespaced' };
/** ServiceAccounts. */
export const ServiceAccountResource: ResourceType<ServiceAccount> = { group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', scope: 'Namespaced' };
/** Events. */
export const EventResource: ResourceType<Event> = { group: '', version: 'v1', kind: 'Event', plural: 'events', scope: 'Namespaced' };
/** Leases. */
export const LeaseResource: ResourceType<Lease> = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', scope: 'Namespaced' };
