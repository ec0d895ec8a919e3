// The operator against an API server (the sandbox's in ring 1, a real one in ring 2), with its own service account and role: what a cluster administrator sees.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, expectEventually, startOperatorCluster, type OperatorCluster } from '../../test/support/operator-cluster.ts';
import { ConfigMapResource, NamespaceResource, SecretResource, ServiceAccountResource } from '../shared/api/core/cluster.ts';
import { ClusterRoleResource, RoleBindingResource } from '../shared/api/core/access.ts';
import { DaemonSetResource, DeploymentResource, PodResource } from '../shared/api/core/workloads.ts';
import { ServiceMeshMemberResource } from '../shared/api/maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource } from '../shared/api/maistra/v1/service-mesh-member-roll.ts';
import type { ControlPlaneSpec } from '../shared/api/maistra/v2/spec.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { KubernetesObject } from '../shared/api/meta/index.ts';
import { getCondition } from '../shared/kube/index.ts';
import { listOwned } from './apply/index.ts';

const MESH = 'istio-system';
let cluster: OperatorCluster;

const namespace = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
const mesh = (): Promise<ServiceMeshControlPlane> => cluster.admin.get(ServiceMeshControlPlaneResource, 'basic', MESH);
const conditions = async (): Promise<Record<string, string>> => Object.fromEntries(((await mesh()).status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason ?? ''}`]));
const edit = (spec: ControlPlaneSpec): Promise<unknown> => cluster.admin.patch(ServiceMeshControlPlaneResource, 'basic', MESH, { spec });
const owned = async () => (await listOwned(cluster.admin, `maistra.io/owner=${MESH}`)).map(({ object }) => object);
const discovery = async () => (await cluster.admin.get(DeploymentResource, 'istiod-basic', MESH)).spec?.template?.spec?.containers[0]?.image;

beforeAll(async () => {
  cluster = await startOperatorCluster(211);
  await cluster.apply(namespace(MESH), namespace('bookinfo'), namespace('shop', { team: 'shop' }));
  await cluster.apply({ apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: MESH }, spec: { version: 'v3.0', profiles: ['sandbox'] } } as KubernetesObject);
});

afterAll(() => cluster?.stop());

describe('a control plane', () => {
  it('is installed wave by wave, and says so', async () => {
    await expectEventually(conditions, { Installed: 'True InstallSuccessful', Reconciled: 'True InstallSuccessful', Ready: 'True ComponentsReady' });
    const { status } = await mesh();
    expect(status).toMatchObject({
      observedGeneration: 1, operatorVersion: '3.1.0', chartVersion: 'v3.0.0', annotations: { readyComponentCount: '5/5', alwaysReadyComponents: 'mesh-config' },
      readiness: { components: { ready: ['istio-cni', 'istio-discovery', 'istio-egress', 'istio-ingress', 'mesh-config'], unready: [], pending: [] } },
      appliedSpec: { version: 'v3.0', profiles: ['sandbox'], cluster: { name: 'Kubernetes' } },
    });
    expect(getCondition(status?.conditions, 'Reconciled')?.message).toBe('Successfully installed version 3.1.0-1');
    expect((await cluster.admin.get(NamespaceResource, MESH)).metadata?.labels?.['maistra.io/member-of']).toBe(MESH);
    expect(await discovery()).toBe('mizzen/mizzend:v3.0.0');
  });

  it('has an authority that the webhooks name, and defaults from the webhook', async () => {
    const { data } = await cluster.admin.get(SecretResource, 'istio-ca-secret', MESH);
    expect(Object.keys(data ?? {}).sort()).toEqual(['ca-cert.pem', 'ca-key.pem', 'cert-chain.pem', 'root-cert.pem']);
    const webhook = (await owned()).find((object) => object.kind === 'MutatingWebhookConfiguration') as unknown as { webhooks: { clientConfig: { caBundle: string } }[] };
    expect(webhook.webhooks[0]?.clientConfig.caBundle).toBe(data?.['root-cert.pem']);
    expect((await mesh()).spec).toMatchObject({ gateways: { openshiftRoute: { enabled: false } }, tracing: { type: 'None' } });
  });

  it('is not written again when nothing has changed, not even by an operator that starts anew', async () => {
    const versions = async () => Object.fromEntries([...(await owned()), await mesh()].map((object) => [`${object.kind ?? ''} ${object.metadata?.name ?? ''}`, object.metadata?.resourceVersion]));
    const before = await eventually(async () => {
      const first = await versions();
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(await versions()).toEqual(first);
      return first;
    });
    await cluster.restartOperator();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await versions()).toEqual(before);
  });

  it('repairs what others change or delete', async () => {
    await cluster.admin.patch(DeploymentResource, 'istiod-basic', MESH, { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } });
    await cluster.admin.delete(ConfigMapResource, 'istio-basic', MESH);
    await expectEventually(() => cluster.admin.get(DeploymentResource, 'istiod-basic', MESH), { spec: { template: { spec: { terminationGracePeriodSeconds: 30 } } } });
    await expectEventually(() => cluster.admin.get(ConfigMapResource, 'istio-basic', MESH), { data: { mesh: expect.stringContaining('rootNamespace: istio-system') } });
  });

  it('refuses bad specs with all reasons, and says which fields have no effect', async () => {
    await expect(edit({ version: 'v9', general: { logging: { componentLevels: { default: 'loud' } } } })).rejects.toThrow(/invalid Version specified.*istiod doesn't support 'loud' log level/);
    await expect(edit({ version: 'v2.6' })).rejects.toThrow("Only '[v3.1 v3.0]' versions are supported");
    await expect(edit({ security: { certificateAuthority: { type: 'cert-manager' } } })).rejects.toThrow("spec.security.certificateAuthority.type: 'cert-manager' is not available in this version; use Istiod");
    await expect(edit({ profiles: ['nowhere'] })).rejects.toThrow("profile 'nowhere' does not exist");
    await edit({ addons: { kiali: { enabled: true } } });
    await expectEventually(conditions, { SpecSupported: 'False FieldsWithoutEffect', Reconciled: 'True UpdateSuccessful' });
    await edit({ addons: null } as never);
    await eventually(async () => expect(await conditions()).toEqual({ Installed: 'True InstallSuccessful', Reconciled: 'True UpdateSuccessful', Ready: 'True ComponentsReady' }));
  });
});

describe('a gateway in another namespace', () => {
  it('is made only where the mesh has a member', async () => {
    await edit({ gateways: { additionalIngress: { partner: { enabled: true, namespace: 'shop', runtime: { deployment: { replicas: 1 } } } } } });
    await expectEventually(conditions, { Reconciled: 'False ReconcileError' });
    expect(getCondition((await mesh()).status?.conditions, 'Reconciled')?.message).toContain('namespace of manifest not in mesh: shop/partner');
    expect(await cluster.admin.find(DeploymentResource, 'partner', 'shop')).toBeUndefined();
    await cluster.apply({ apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH }, spec: { members: ['shop'] } } as KubernetesObject);
    await expectEventually(conditions, { Reconciled: 'True UpdateSuccessful', Ready: 'True ComponentsReady' });
    expect((await cluster.admin.get(DeploymentResource, 'partner', 'shop')).metadata?.ownerReferences).toBeUndefined();
    await edit({ gateways: { additionalIngress: null } } as never);
    await eventually(async () => expect(await cluster.admin.find(DeploymentResource, 'partner', 'shop')).toBeUndefined());
    await cluster.admin.delete(ServiceMeshMemberRollResource, 'default', MESH);
    await eventually(async () => expect(await cluster.admin.find(ServiceMeshMemberRollResource, 'default', MESH)).toBeUndefined());
    await expectEventually(conditions, { Reconciled: 'True UpdateSuccessful' });
  });
});

describe('members', () => {
  const label = async (name: string) => (await cluster.admin.get(NamespaceResource, name)).metadata?.labels?.['maistra.io/member-of'];

  it('join by the roll', async () => {
    await cluster.apply({ apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH }, spec: { members: ['bookinfo', 'missing'] } } as KubernetesObject);
    await eventually(async () => expect(await label('bookinfo')).toBe(MESH));
    await eventually(async () => expect((await cluster.admin.listAll(RoleBindingResource, { namespace: 'bookinfo' })).map((binding) => binding.metadata?.name)).toEqual([`istiod-clusterrole-basic-${MESH}`, `istiod-gateway-controller-basic-${MESH}`]));
    await expectEventually(() => cluster.admin.get(ServiceMeshMemberRollResource, 'default', MESH), {
      status: { annotations: { configuredMemberCount: '1/2' }, members: ['bookinfo', 'missing'], configuredMembers: ['bookinfo'], pendingMembers: ['missing'], conditions: [{ type: 'Ready', status: 'False', reason: 'ReconcileError' }] },
    });
    await cluster.admin.patch(ServiceMeshMemberRollResource, 'default', MESH, { spec: { members: null, memberSelectors: [{ matchLabels: { team: 'shop' } }] } });
    await eventually(async () => expect([await label('bookinfo'), await label('shop')]).toEqual([undefined, MESH]));
    expect(await cluster.admin.listAll(RoleBindingResource, { namespace: 'bookinfo' })).toEqual([]);
    await expectEventually(() => cluster.admin.get(ServiceMeshMemberRollResource, 'default', MESH), { status: { configuredMembers: ['shop'], pendingMembers: [], conditions: [{ reason: 'Configured' }] } });
  });

  it('leave when the roll goes, and copies that are changed are put right before', async () => {
    const name = `istiod-clusterrole-basic-${MESH}`;
    await cluster.admin.delete(RoleBindingResource, name, 'shop');
    await eventually(() => cluster.admin.get(RoleBindingResource, name, 'shop'));
    await cluster.admin.delete(ServiceMeshMemberRollResource, 'default', MESH);
    await eventually(async () => expect(await label('shop')).toBeUndefined());
    await eventually(async () => expect(await cluster.admin.listAll(ServiceMeshMemberResource)).toEqual([]));
  });

  it('join by a member, which makes the roll and takes it away again', async () => {
    await cluster.apply({ apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMember', metadata: { name: 'default', namespace: 'bookinfo' }, spec: { controlPlaneRef: { name: 'basic', namespace: MESH } } } as KubernetesObject);
    await expectEventually(() => cluster.admin.get(ServiceMeshMemberResource, 'default', 'bookinfo'), { status: { annotations: { controlPlaneRef: `${MESH}/basic` }, conditions: [{ type: 'Reconciled', status: 'True' }, { type: 'Ready', status: 'True' }] } });
    await expectEventually(() => cluster.admin.get(ServiceMeshMemberRollResource, 'default', MESH), { status: { members: ['bookinfo'], configuredMembers: ['bookinfo'] } });
    await expect(cluster.admin.patch(ServiceMeshMemberResource, 'default', 'bookinfo', { spec: { controlPlaneRef: { name: 'other' } } })).rejects.toThrow("mutation of .spec.controlPlaneRef isn't allowed");
    await cluster.admin.delete(ServiceMeshMemberResource, 'default', 'bookinfo');
    await eventually(async () => expect([await label('bookinfo'), await cluster.admin.find(ServiceMeshMemberRollResource, 'default', MESH)]).toEqual([undefined, undefined]));
  });
});

describe('an upgrade', () => {
  it('follows an edit of spec.version, and the old node DaemonSet goes last, its account when its pods have ended', async () => {
    const account = 'istio-cni-node-v3-0';
    const old = await cluster.admin.get(DaemonSetResource, account, MESH);
    await cluster.admin.create(PodResource, {
      metadata: { name: 'agent', namespace: MESH, labels: { 'sidecar.istio.io/inject': 'false' }, finalizers: ['mizzen.test/ends-late'], ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: account, uid: old.metadata?.uid ?? '', controller: true }] },
      spec: { serviceAccountName: account, containers: [{ name: 'agent', image: 'agent:1' }] },
    });
    await edit({ version: 'v3.1' });
    await expectEventually(mesh, { status: { chartVersion: 'v3.1.0', appliedSpec: { version: 'v3.1' } } });
    await expectEventually(conditions, { Reconciled: 'True UpdateSuccessful', Ready: 'True ComponentsReady' });
    expect(await discovery()).toBe('mizzen/mizzend:v3.1.0');
    expect((await cluster.admin.listAll(DaemonSetResource, { namespace: MESH })).map((object) => object.metadata?.name)).toEqual(['istio-cni-node-v3-1']);
    expect(await cluster.admin.find(ServiceAccountResource, account, MESH)).toBeDefined();
    await cluster.admin.delete(PodResource, 'agent', MESH);
    await cluster.admin.patch(PodResource, 'agent', MESH, { metadata: { finalizers: null } });
    await eventually(async () => expect(await cluster.admin.find(ServiceAccountResource, account, MESH)).toBeUndefined());
  });

  it('goes back when a wave is not ready by its deadline, says which component and why, and is tried again after an edit', async () => {
    await edit({ version: 'v3.0', techPreview: { upgrade: { waveDeadlineSeconds: 1 } }, runtime: { components: { pilot: { container: { imageTag: 'v3.0.0-unavailable' } } } } });
    await expectEventually(conditions, { Reconciled: 'False UpdateRolledBack' });
    const { status } = await mesh();
    expect(getCondition(status?.conditions, 'Reconciled')?.message).toMatch(/^The update to v3\.0 .* was rolled back to v3\.1 .* within 1 seconds: component istio-discovery \(Deployment istiod-basic\): .*ImagePullBackOff: there is no image mizzen\/mizzend:v3\.0\.0-unavailable/);
    await eventually(async () => expect(await discovery()).toBe('mizzen/mizzend:v3.1.0'));
    await expectEventually(conditions, { Reconciled: 'False UpdateRolledBack', Ready: 'True ComponentsReady' });
    expect((await mesh()).status).toMatchObject({ chartVersion: 'v3.1.0' });
    // The gateways' turn never came.
    expect((await cluster.admin.get(DeploymentResource, 'istio-ingressgateway', MESH)).spec?.template?.spec?.containers[0]?.image).toBe('mizzen/mizzen-proxy:v3.1.0');
    await edit({ version: 'v3.0', runtime: null } as never);
    await expectEventually(conditions, { Reconciled: 'True UpdateSuccessful' });
    expect(await discovery()).toBe('mizzen/mizzend:v3.0.0');
  });
});

describe('deletion', () => {
  it('finds an operator that has asked for nothing beyond its role', () => {
    expect(cluster.refusals()).toEqual([]);
  });

  it('leaves nothing behind', async () => {
    await cluster.apply({ apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH }, spec: { members: ['bookinfo'] } } as KubernetesObject);
    await eventually(async () => expect((await cluster.admin.get(NamespaceResource, 'bookinfo')).metadata?.labels).toMatchObject({ 'maistra.io/member-of': MESH }));
    await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio-ca-root-cert', namespace: 'bookinfo' }, data: { 'root-cert.pem': 'x' } } as KubernetesObject);
    // A clean-up that fails keeps the finalizer and says why.
    const role = await cluster.admin.get(ClusterRoleResource, 'mizzen-operator');
    await cluster.admin.patch(ClusterRoleResource, 'mizzen-operator', undefined, { rules: role.rules?.map((rule) => (rule.resources?.includes('services') ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'delete') } : rule)) });
    await cluster.admin.delete(ServiceMeshControlPlaneResource, 'basic', MESH);
    await expectEventually(conditions, { Reconciled: 'False DeletionError' });
    await cluster.admin.patch(ClusterRoleResource, 'mizzen-operator', undefined, { rules: role.rules });
    await eventually(async () => expect(await cluster.admin.find(ServiceMeshControlPlaneResource, 'basic', MESH)).toBeUndefined());
    await eventually(async () => {
      expect(await owned()).toEqual([]);
      for (const name of [MESH, 'bookinfo']) expect((await cluster.admin.get(NamespaceResource, name)).metadata?.labels).not.toHaveProperty('maistra.io/member-of');
      expect(await cluster.admin.find(ConfigMapResource, 'istio-ca-root-cert', 'bookinfo')).toBeUndefined();
      expect(await cluster.admin.listAll(RoleBindingResource, { namespace: 'bookinfo' })).toEqual([]);
    });
    await expectEventually(() => cluster.admin.get(ServiceMeshMemberRollResource, 'default', MESH), { status: { conditions: [{ reason: 'ErrSMCPMissing' }] } });
  });
});
