// IST0103: a pod of an injected namespace runs without a proxy. IST0123: a namespace asks for injection in two ways.
import { finding, type Analyzer } from './finding.ts';

/** Finds pods that were started before injection was turned on, and contradicting labels. */
export const missingProxy: Analyzer = {
  codes: ['IST0103', 'IST0123'],
  analyze: (snapshot) => {
    const injected = new Set([...snapshot.namespaces.values()].filter(({ labels }) => labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined).map(({ name }) => name));
    const pods = [...snapshot.workloads.values()]
      .filter(({ namespace, labels, annotations }) => injected.has(namespace) && annotations['sidecar.istio.io/status'] === undefined && (labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject']) !== 'false')
      .map(({ namespace, podName }) => finding('IST0103', 'warning', { kind: 'Pod', namespace, name: podName }, '', `The pod ${podName} has no proxy although its namespace asks for injection. Restart its workload to get one.`));
    const namespaces = [...snapshot.namespaces.values()]
      .filter(({ labels }) => labels['istio-injection'] !== undefined && labels['istio.io/rev'] !== undefined)
      .map(({ name }) => finding('IST0123', 'warning', { kind: 'Namespace', name }, 'metadata.labels', 'The namespace has both labels istio-injection and istio.io/rev; istio-injection wins. Remove one.'));
    return [...pods, ...namespaces];
  },
};
