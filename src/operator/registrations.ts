// Which kinds the operator reconciles and what wakes each: the wiring of informers to reconcilers.
import { OWNER_LABEL, OWNER_NAME_LABEL } from '../shared/api/maistra/ownership.ts';
import type { KubernetesObject } from '../shared/api/meta/index.ts';
import { NamespaceResource } from '../shared/api/core/cluster.ts';
import { RoleBindingResource } from '../shared/api/core/access.ts';
import { NetworkPolicyResource } from '../shared/api/core/network.ts';
import { ServiceMeshMemberResource, type ServiceMeshMember } from '../shared/api/maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource } from '../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource } from '../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { EventRecorder, Informer, type KubeClient } from '../shared/kube/index.ts';
import { isOptionalKind, managedKinds } from './apply/index.ts';
import { ControlPlaneReconciler } from './controllers/service-mesh-control-plane/reconciler.ts';
import { MemberReconciler } from './controllers/service-mesh-member/reconciler.ts';
import { MemberRollReconciler } from './controllers/service-mesh-member-roll/reconciler.ts';
import { MANAGED_BY, MEMBER_OF_LABEL, type Facts } from './manifest/index.ts';
import type { Registration, Trigger } from './mesh-operator.ts';
import type { VersionRegistry } from './versions/index.ts';

/** What the wiring needs. */
export interface RegistrationOptions {
  readonly client: KubeClient;
  readonly registry: VersionRegistry;
  readonly operatorVersion: string;
  readonly operatorNamespace: string;
  readonly platform: Facts['platform'];
  readonly memberReconcilers: number;
  readonly waveDeadlineSeconds?: number;
}

/** The registrations and the informers that they share. */
export interface Registrations {
  readonly registrations: readonly Registration[];
  readonly informers: readonly Informer<KubernetesObject>[];
}

/** Builds the three reconcilers with what wakes them. */
export function buildRegistrations(options: RegistrationOptions): Registrations {
  const { client, registry, operatorVersion, operatorNamespace, platform, waveDeadlineSeconds } = options;
  const events = new EventRecorder(client, 'servicemesh-operator');
  const informer = (type: ConstructorParameters<typeof Informer>[1], labelSelector?: string): Informer<KubernetesObject> =>
    new Informer<KubernetesObject>(client, type, { optional: true, ...(labelSelector ? { labelSelector } : {}), transform: labelSelector ? onlyMetadata : (object) => object });
  const namespaces = informer(NamespaceResource);
  const meshes = informer(ServiceMeshControlPlaneResource);
  const rolls = informer(ServiceMeshMemberRollResource);
  const members = informer(ServiceMeshMemberResource);
  const owned = managedKinds.map((type) => ({ optional: isOptionalKind(type), informer: informer(type, `app.kubernetes.io/managed-by=${MANAGED_BY}`) }));
  const copies = [RoleBindingResource, NetworkPolicyResource].map((type) => informer(type, MEMBER_OF_LABEL));
  const keys = (table: Informer<KubernetesObject>): Iterable<string> => [...table.keys()];

  const controlPlanes = new ControlPlaneReconciler({ client, events, registry, operatorVersion, platform, ...(waveDeadlineSeconds === undefined ? {} : { waveDeadlineSeconds }) });
  const memberRolls = new MemberRollReconciler({ client, operatorNamespace });
  const meshMembers = new MemberReconciler({ client, events });
  const registrations: Registration[] = [
    {
      type: ServiceMeshControlPlaneResource, concurrency: 1, reconcile: (key) => controlPlanes.reconcile(key),
      triggers: [
        ...owned.map(({ informer: source }): Trigger => ({ informer: source, keysOf: ownerKey })),
        // A namespace's label may be taken away.
        { informer: namespaces, keysOf: (namespace) => [...meshes.keys()].filter((key) => key.startsWith(`${namespace.metadata?.name ?? ''}/`)) },
      ],
    },
    {
      type: ServiceMeshMemberRollResource, concurrency: 1, reconcile: (key) => memberRolls.reconcile(key),
      triggers: [
        { informer: namespaces, keysOf: () => keys(rolls) },
        { informer: meshes, keysOf: (mesh) => [`${mesh.metadata?.namespace ?? ''}/default`] },
        { informer: members, keysOf: (member) => [`${(member as ServiceMeshMember).spec?.controlPlaneRef.namespace ?? ''}/default`] },
      ],
    },
    {
      type: ServiceMeshMemberResource, concurrency: options.memberReconcilers, reconcile: (key) => meshMembers.reconcile(key),
      triggers: [
        { informer: namespaces, keysOf: (namespace) => [`${namespace.metadata?.name ?? ''}/default`] },
        { informer: meshes, keysOf: (mesh) => membersOf(members, mesh.metadata?.namespace ?? '') },
        ...copies.map((source): Trigger => ({ informer: source, keysOf: (object) => [`${object.metadata?.namespace ?? ''}/default`] })),
      ],
    },
  ];
  return { registrations, informers: [namespaces, meshes, rolls, members, ...owned.map(({ informer: source }) => source), ...copies] };
}

function ownerKey(object: KubernetesObject): string[] {
  const { labels = {} } = object.metadata ?? {};
  const namespace = labels[OWNER_LABEL];
  const name = labels[OWNER_NAME_LABEL];
  return namespace && name ? [`${namespace}/${name}`] : [];
}

function membersOf(members: Informer<KubernetesObject>, meshNamespace: string): string[] {
  return [...members.entries()].filter(([, member]) => (member as ServiceMeshMember).spec?.controlPlaneRef.namespace === meshNamespace).map(([key]) => key);
}

/** Owned objects only wake reconcilers, which read them afresh: keeping secrets and templates in memory would be waste. */
function onlyMetadata(object: KubernetesObject): KubernetesObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata };
}
