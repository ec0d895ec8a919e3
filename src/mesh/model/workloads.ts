// Pods as workloads: names, ports, identity and whether their proxy takes mutual TLS.
import type { KubernetesPod } from './inputs.ts';
import type { WorkloadRecord } from './records.ts';

/** Label by which the injector says that the workload's proxy accepts mesh mutual TLS. */
const TLS_MODE_LABEL = 'security.istio.io/tlsMode';

/** The workload of a pod under each of its addresses (a pod of both families has two); none while it has no address or has ended. */
export function workloadsOf(pod: KubernetesPod, localities: ReadonlyMap<string, string>): WorkloadRecord[] {
  const { podIP, podIPs = [] } = pod.status ?? {};
  const workload = podIP ? workloadOf(pod, podIP, localities) : undefined;
  if (!workload) return [];
  return [workload, ...podIPs.flatMap(({ ip }) => (ip && ip !== podIP ? [{ ...workload, address: ip }] : []))];
}

function workloadOf(pod: KubernetesPod, address: string, localities: ReadonlyMap<string, string>): WorkloadRecord | undefined {
  const phase = pod.status?.phase;
  // Pods on the host's network share its address, so the address does not tell them apart.
  if (pod.spec?.hostNetwork) return undefined;
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const { name = '', namespace = '', labels = {}, annotations = {} } = pod.metadata ?? {};
  const owner = ownerOf(pod);
  const nodeName = pod.spec?.nodeName ?? '';
  return {
    address,
    namespace,
    podName: name,
    workloadName: owner.name,
    workloadKind: owner.kind,
    serviceAccount: pod.spec?.serviceAccountName ?? 'default',
    labels,
    annotations,
    namedPorts: namedPorts(pod),
    tlsMode: labels[TLS_MODE_LABEL] === 'istio' ? 'istio' : 'disabled',
    locality: ownLocality(labels) || (localities.get(nodeName) ?? ''),
    nodeName,
  };
}

/** The locality that the pod's own label gives. A label cannot hold a slash, so dots stand for them. */
function ownLocality(labels: Readonly<Record<string, string>>): string {
  const text = labels['topology.istio.io/locality'] ?? labels['istio-locality'] ?? '';
  return text.includes('/') ? text : text.replaceAll('.', '/');
}

/** The object that a person would name: the Deployment behind the ReplicaSet, the CronJob's Job, or the pod. */
function ownerOf(pod: KubernetesPod): { readonly kind: string; readonly name: string } {
  const { name = '', labels = {}, ownerReferences = [] } = pod.metadata ?? {};
  const owner = ownerReferences.find((reference) => reference.controller) ?? ownerReferences[0];
  if (!owner) return { kind: 'Pod', name };
  const hash = labels['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)) return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  return { kind: owner.kind, name: owner.name };
}

function namedPorts(pod: KubernetesPod): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    for (const { name, containerPort } of container.ports ?? []) if (name && containerPort) ports[name] = containerPort;
  }
  return ports;
}
