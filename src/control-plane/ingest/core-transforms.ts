// What is kept of Kubernetes' own objects: the fields that the mesh reads, so that the rest neither costs memory nor makes new snapshots.
import type { Namespace, Node } from '../../shared/api/core/cluster.ts';
import type { EndpointSlice, Service } from '../../shared/api/core/network.ts';
import type { Pod } from '../../shared/api/core/workloads.ts';
import type { ObjectMeta } from '../../shared/api/meta/index.ts';

const NOISY_ANNOTATIONS = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration'];

/** A Service without version marks; of its status only what its load balancer gave. */
export function trimService(service: Service): Service {
  const { status, ...kept } = service;
  const ingress = status?.loadBalancer?.ingress;
  return { ...kept, metadata: trimMeta(service.metadata), ...(ingress?.length ? { status: { loadBalancer: { ingress } } } : {}) };
}

/** An EndpointSlice without version marks. */
export function trimEndpointSlice(slice: EndpointSlice): EndpointSlice {
  return { ...slice, metadata: trimMeta(slice.metadata) };
}

/** A Namespace's name, labels and annotations. */
export function trimNamespace(namespace: Namespace): Namespace {
  return { metadata: trimMeta(namespace.metadata) };
}

/** A Node's name and topology: all else changes every few seconds. */
export function trimNode(node: Node): Node {
  const { name, labels } = node.metadata ?? {};
  const topology = Object.fromEntries(Object.entries(labels ?? {}).filter(([label]) => label.startsWith('topology.') || label.startsWith('failure-domain.')));
  return { metadata: { ...(name === undefined ? {} : { name }), labels: topology } };
}

/** A Pod's identity, addresses and ports. */
export function trimPod(pod: Pod): Pod {
  const { spec, status } = pod;
  return {
    metadata: trimMeta(pod.metadata),
    spec: {
      ...(spec?.serviceAccountName === undefined ? {} : { serviceAccountName: spec.serviceAccountName }),
      ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      ...(spec?.hostNetwork === undefined ? {} : { hostNetwork: spec.hostNetwork }),
      containers: (spec?.containers ?? []).map(trimContainer),
      initContainers: (spec?.initContainers ?? []).map(trimContainer),
    },
    status: { ...(status?.phase === undefined ? {} : { phase: status.phase }), ...(status?.podIP === undefined ? {} : { podIP: status.podIP }), ...((status?.podIPs?.length ?? 0) > 1 ? { podIPs: status?.podIPs } : {}) },
  } as Pod;
}

function trimContainer({ name, ports }: { name: string; ports?: unknown[] }): { name: string; ports?: unknown[] } {
  return ports ? { name, ports } : { name };
}

function trimMeta(metadata: ObjectMeta | undefined): ObjectMeta {
  if (!metadata) return {};
  const { resourceVersion: _version, managedFields: _fields, annotations, ...kept } = metadata;
  if (!annotations) return kept;
  return { ...kept, annotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !NOISY_ANNOTATIONS.includes(name))) };
}
