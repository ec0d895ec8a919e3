// What the real server's ServiceAccount, Priority and DefaultTolerationSeconds plug-ins do to a new pod.
import type { KubeObject, Store } from '../store/index.ts';
import { generateName } from './names.ts';
import { forbidden } from './status.ts';

const PODS = { group: '', plural: 'pods', kind: 'Pod' };
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Container { volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[] }

/** The pod with its service account, its token volume, priority and default tolerations. */
export function admitPod(store: Store, pod: KubeObject): KubeObject {
  const { spec, metadata } = pod;
  spec.serviceAccountName ||= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  const account = store.get('/serviceaccounts', metadata.namespace, spec.serviceAccountName);
  if (!account) throw forbidden(PODS, metadata.name, `error looking up service account ${metadata.namespace ?? ''}/${String(spec.serviceAccountName)}: serviceaccount "${String(spec.serviceAccountName)}" not found`);
  if ((spec.imagePullSecrets ?? []).length === 0 && account['imagePullSecrets']) spec.imagePullSecrets = structuredClone(account['imagePullSecrets']);
  if ((spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true) === true) mountToken(spec);
  spec.priority ??= priorityOf(store, spec.priorityClassName);
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  addTolerations(spec);
  return pod;
}

function mountToken(spec: { volumes?: { name: string }[]; containers?: Container[]; initContainers?: Container[] }): void {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const without = containers.filter((container) => !(container.volumeMounts ?? []).some((mount) => mount.mountPath === TOKEN_PATH));
  if (without.length === 0) return;
  const existing = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-'));
  const name = existing?.name ?? generateName('kube-api-access-');
  for (const container of without) container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_PATH }];
  if (existing) return;
  spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): { name: string } & Record<string, unknown> {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 420,
    },
  };
}

function priorityOf(store: Store, name: string | undefined): number {
  if (name === undefined || name === '') return 0;
  if (name === 'system-cluster-critical') return 2_000_000_000;
  if (name === 'system-node-critical') return 2_000_001_000;
  const found = store.get('scheduling.k8s.io/priorityclasses', undefined, name);
  if (!found) throw forbidden(PODS, '', `no PriorityClass with name ${name} was found`);
  return Number(found['value']);
}

interface Toleration { key?: string; operator?: string; effect?: string; tolerationSeconds?: number }

function addTolerations(spec: { tolerations?: Toleration[] }): void {
  const tolerations = [...(spec.tolerations ?? [])];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const covered = tolerations.some((toleration) => (toleration.key === key || toleration.key === undefined || toleration.key === '') && (toleration.effect === undefined || toleration.effect === '' || toleration.effect === 'NoExecute'));
    if (!covered) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec.tolerations = tolerations;
}
