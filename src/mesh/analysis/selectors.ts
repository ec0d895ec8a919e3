// IST0127: a policy selects no pod. IST0110 and IST0111: more than one Sidecar for the same pods.
import type { Issue } from '../../shared/lib/index.ts';
import { selects } from '../model/policy-selection.ts';
import type { MeshSnapshot, SidecarRecord } from '../model/snapshot.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';

/** Finds selectors that select nothing, or too much. */
export const selectors: Analyzer = {
  codes: ['IST0110', 'IST0111', 'IST0127'],
  analyze: (snapshot) => [...selectingNothing(snapshot), ...sidecarsWithoutSelector(snapshot), ...sidecarsForOnePod(snapshot)],
};

function selectingNothing(snapshot: MeshSnapshot): Issue[] {
  const policies = [...snapshot.peerAuthentications, ...snapshot.authorizationPolicies, ...snapshot.requestAuthentications, ...snapshot.telemetries];
  return policies.flatMap((record) => {
    const labels = record.spec.selector?.matchLabels ?? {};
    if (Object.keys(labels).length === 0) return [];
    const inReach = [...snapshot.workloads.values()].filter((workload) => record.namespace === snapshot.rootNamespace || workload.namespace === record.namespace);
    if (inReach.some((workload) => selects(labels, workload.labels))) return [];
    const text = Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(',');
    return [finding('IST0127', 'warning', referenceTo(record), 'spec.selector', `No matching workloads for this resource with the following labels: ${text}. Correct the labels, or remove the object.`)];
  });
}

function sidecarsWithoutSelector(snapshot: MeshSnapshot): Issue[] {
  const general = snapshot.sidecars.filter((record) => Object.keys(record.spec.workloadSelector?.labels ?? {}).length === 0);
  return general.flatMap((record) => {
    const rivals = general.filter((other) => other.namespace === record.namespace);
    if (rivals.length < 2) return [];
    return [finding('IST0111', 'error', referenceTo(record), 'spec', `The Sidecars ${namesOf(rivals)} in namespace ${record.namespace} have no workload selector; only one can be in force. Give all but one a selector.`)];
  });
}

function sidecarsForOnePod(snapshot: MeshSnapshot): Issue[] {
  const specific = snapshot.sidecars.filter((record) => Object.keys(record.spec.workloadSelector?.labels ?? {}).length > 0);
  return specific.flatMap((record) => {
    const pods = [...snapshot.workloads.values()].filter((workload) => workload.namespace === record.namespace && selects(record.spec.workloadSelector?.labels, workload.labels));
    for (const pod of pods) {
      const rivals = specific.filter((other) => other.namespace === record.namespace && selects(other.spec.workloadSelector?.labels, pod.labels));
      if (rivals.length > 1) return [finding('IST0110', 'error', referenceTo(record), 'spec.workloadSelector', `The Sidecars ${namesOf(rivals)} in namespace ${record.namespace} select the same pod ${pod.podName}. Make their selectors disjoint.`)];
    }
    return [];
  });
}

function namesOf(records: readonly SidecarRecord[]): string {
  return records.map((record) => record.name).sort().join(',');
}
