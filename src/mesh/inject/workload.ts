// Which workload a pod belongs to, read from its owner reference the way Istio's telemetry names it, and its canonical service.
import { apiVersionOf } from '../../shared/api/meta/index.ts';
import type { Pod } from './pod.ts';

/** The controller of a pod, seen through ReplicaSet and Job. */
export interface Workload {
  readonly name: string;
  readonly kind: string;
  readonly apiVersion: string;
  /** Istio's form: `kubernetes://apis/apps/v1/namespaces/<ns>/deployments/<name>`. */
  readonly owner: string;
}

const CRON_JOB_RUN = /^(.+)-\d{8,}$/;

/** The workload of `pod` in `namespace`; a bare pod is its own workload. */
export function workloadOf(pod: Pod, namespace: string): Workload {
  const metadata = pod.metadata ?? {};
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true) ?? metadata.ownerReferences?.[0];
  if (!owner) {
    const name = metadata.name ?? (metadata.generateName ?? '').replace(/-$/, '');
    return workload(name, 'Pod', 'v1', namespace);
  }
  const hash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return workload(owner.name.slice(0, -hash.length - 1), 'Deployment', apiVersionOf({ group: 'apps', version: 'v1' }), namespace);
  }
  const cronJob = owner.kind === 'Job' ? CRON_JOB_RUN.exec(owner.name)?.[1] : undefined;
  if (cronJob !== undefined) return workload(cronJob, 'CronJob', 'batch/v1', namespace);
  return workload(owner.name, owner.kind, owner.apiVersion, namespace);
}

function workload(name: string, kind: string, apiVersion: string, namespace: string): Workload {
  return { name, kind, apiVersion, owner: `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}` };
}

/** Canonical service name and revision of a pod with `labels`. */
export function canonicalServiceOf(labels: Readonly<Record<string, string>>, workloadName: string): { readonly name: string; readonly revision: string } {
  return {
    name: labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? workloadName,
    revision: labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels['version'] ?? 'latest',
  };
}
