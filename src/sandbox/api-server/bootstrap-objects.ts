// What a fresh cluster holds: namespaces, default roles and bindings, the Service of the API itself.
import { DEFAULT_ROLES, type DefaultRole } from '../auth/index.ts';
import { compileLabelSelector, type KubeObject, type LabelSelectorObject, type Store } from '../store/index.ts';
import { ApiStatusError, type InternalClient, type ResourceName } from './internal-client.ts';

const RBAC = 'rbac.authorization.k8s.io';
const ROLES = `${RBAC}/clusterroles`;

/** Creates what is missing of the cluster's first objects. */
export async function createFirstObjects(client: InternalClient, kubernetesAddress: string, endpoint: { address: string; port: number }): Promise<void> {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) await ensure(client, { group: '', resource: 'namespaces' }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const role of DEFAULT_ROLES) await ensureRole(client, role);
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  await ensure(client, { group: '', resource: 'services' }, {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: { clusterIP: kubernetesAddress, ports: [{ name: 'https', port: 443, targetPort: endpoint.port }] },
  });
  await replace(client, { group: '', resource: 'endpoints' }, {
    apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: endpoint.address }], ports: [{ name: 'https', port: endpoint.port }] }],
  });
  await replace(client, { group: 'discovery.k8s.io', resource: 'endpointslices' }, {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4', endpoints: [{ addresses: [endpoint.address], conditions: { ready: true } }], ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' }],
  });
}

async function ensureRole(client: InternalClient, role: DefaultRole): Promise<void> {
  const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...role.labels };
  await ensure(client, { group: RBAC, resource: 'clusterroles' }, {
    apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: role.name, labels }, rules: role.rules,
    ...(role.aggregates === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${RBAC}/aggregate-to-${role.aggregates}`]: 'true' } }] } }),
  });
  if (!role.groups) return;
  await ensure(client, { group: RBAC, resource: 'clusterrolebindings' }, {
    apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name: role.name, labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role.name }, subjects: role.groups.map((name) => ({ kind: 'Group', apiGroup: RBAC, name })),
  });
}

async function ensure(client: InternalClient, resource: ResourceName, object: { metadata: { name: string; namespace?: string; labels?: object } } & Record<string, unknown>): Promise<void> {
  if (await client.get(resource, object.metadata.namespace, object.metadata.name)) return;
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!(error instanceof ApiStatusError) || error.code !== 409) throw error;
  }
}

async function replace(client: InternalClient, resource: ResourceName, object: { metadata: { name: string; namespace?: string; labels?: object } } & Record<string, unknown>): Promise<void> {
  if (await client.get(resource, object.metadata.namespace, object.metadata.name)) await client.update(resource, object);
  else await ensure(client, resource, object);
}

/** Keeps the rules of aggregated ClusterRoles equal to the sum of the roles that they select. */
export function startRoleAggregation(store: Store): () => void {
  const aggregate = (): void => {
    const roles = store.list(ROLES);
    for (const role of roles) {
      const selectors = role['aggregationRule']?.clusterRoleSelectors as LabelSelectorObject[] | undefined;
      if (!selectors) continue;
      const matchers = selectors.map(compileLabelSelector);
      const parts = roles.filter((part) => part.metadata.uid !== role.metadata.uid && matchers.some((matches) => matches(part.metadata.labels)));
      const rules = mergeRules(parts);
      if (JSON.stringify(rules) !== JSON.stringify(role['rules'] ?? [])) store.put(ROLES, { ...role, rules });
    }
  };
  let scheduled = false;
  const unsubscribe = store.subscribe(ROLES, () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      aggregate();
    });
  });
  aggregate();
  return unsubscribe;
}

function mergeRules(roles: readonly KubeObject[]): unknown[] {
  const seen = new Map<string, unknown>();
  for (const role of roles) for (const rule of (role['rules'] ?? []) as unknown[]) seen.set(JSON.stringify(rule), rule);
  return [...seen.values()];
}
