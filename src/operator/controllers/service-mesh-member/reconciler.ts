// Puts a namespace into the mesh that its ServiceMeshMember names, and takes it out again when the member or the mesh goes.
import type { Condition } from '../../../shared/api/meta/index.ts';
import { NamespaceResource } from '../../../shared/api/core/cluster.ts';
import { ServiceMeshMemberResource, type ServiceMeshMember } from '../../../shared/api/maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { deepEqual, describeError } from '../../../shared/lib/index.ts';
import { addFinalizer, hasFinalizer, isConditionTrue, isConflict, KubeError, removeFinalizer, setCondition, type EventRecorder, type KubeClient, type ReconcileResult } from '../../../shared/kube/index.ts';
import { CREATED_BY, DEFAULT_NAME, MEMBER_CONTROLLER, ROLL_CONTROLLER } from '../membership.ts';
import { cleanNamespace, configureNamespace, OtherMeshError } from './member-objects.ts';

/** Finalizer on every member. */
export const MEMBER_FINALIZER = 'maistra.io/istio-operator';

/** What the reconciler needs. */
export interface MemberReconcilerOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
}

type MemberStatus = NonNullable<ServiceMeshMember['status']>;

/** Reconciles members by their key `namespace/name`. */
export class MemberReconciler {
  readonly #client: KubeClient;
  readonly #events: EventRecorder;

  constructor(options: MemberReconcilerOptions) {
    this.#client = options.client;
    this.#events = options.events;
  }

  /** One pass. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const [namespace = '', name = ''] = key.split('/');
    const found = await this.#client.find(ServiceMeshMemberResource, name, namespace);
    if (!found) return {};
    try {
      if (found.metadata?.deletionTimestamp) return await this.#delete(found);
      if (name !== DEFAULT_NAME) return await this.#report(found, undefined, 'InvalidName', `ServiceMeshMember must be named '${DEFAULT_NAME}'`);
      const member = hasFinalizer(found, MEMBER_FINALIZER) ? found : await addFinalizer(this.#client, ServiceMeshMemberResource, found, MEMBER_FINALIZER);
      return await this.#bringUp(member);
    } catch (error) {
      if (isConflict(error)) return { requeueAfterMilliseconds: 500 };
      throw error;
    }
  }

  async #bringUp(member: ServiceMeshMember): Promise<ReconcileResult> {
    const { namespace = '' } = member.metadata ?? {};
    const { name: meshName = '', namespace: meshNamespace = '' } = member.spec?.controlPlaneRef ?? {};
    if (namespace === meshNamespace) return this.#report(member, undefined, 'ReferencesDifferentControlPlane', 'The namespace of a mesh is part of it and needs no ServiceMeshMember');
    const mesh = await this.#client.find(ServiceMeshControlPlaneResource, meshName, meshNamespace);
    if (!mesh || mesh.metadata?.deletionTimestamp) {
      await cleanNamespace(this.#client, namespace, meshNamespace);
      return this.#report(member, undefined, 'ErrorControlPlaneMissing', 'the referenced ServiceMeshControlPlane object does not exist');
    }
    await this.#ensureRoll(member, meshNamespace);
    try {
      await configureNamespace(this.#client, namespace, meshNamespace);
    } catch (error) {
      const reason = error instanceof OtherMeshError ? 'ReferencesDifferentControlPlane' : 'ErrorConfiguringNamespace';
      await this.#report(member, mesh, reason, describeError(error));
      if (error instanceof OtherMeshError) return {};
      throw error;
    }
    return this.#report(member, mesh, '', '');
  }

  /** A member made by hand in a mesh without a roll gets the mesh one; the roll's own members need none. */
  async #ensureRoll(member: ServiceMeshMember, meshNamespace: string): Promise<void> {
    if (member.metadata?.annotations?.[CREATED_BY] === ROLL_CONTROLLER) return;
    if (await this.#client.find(ServiceMeshMemberRollResource, DEFAULT_NAME, meshNamespace)) return;
    try {
      await this.#client.create(ServiceMeshMemberRollResource, { metadata: { name: DEFAULT_NAME, namespace: meshNamespace, annotations: { [CREATED_BY]: MEMBER_CONTROLLER } }, spec: { members: [] } });
    } catch (error) {
      if (!(error instanceof KubeError && error.isAlreadyExists())) throw error;
    }
  }

  async #report(member: ServiceMeshMember, mesh: ServiceMeshControlPlane | undefined, reason: string, message: string): Promise<ReconcileResult> {
    const { name = '', namespace = '' } = member.spec?.controlPlaneRef ?? {};
    const next = nextStatus(member, mesh, reason, message);
    if (deepEqual(next, member.status)) return {};
    if (reason !== '') this.#events.warning(member, 'FailedReconcile', message);
    else if (!isConditionTrue(member.status?.conditions, 'Reconciled')) this.#events.normal(member, 'Reconciled', `Successfully configured namespace for mesh ${namespace}/${name}`);
    await this.#client.patch(ServiceMeshMemberResource, member.metadata?.name ?? '', member.metadata?.namespace, [{ op: member.status === undefined ? 'add' : 'replace', path: '/status', value: next }], { kind: 'json', subresource: 'status' });
    return {};
  }

  async #delete(member: ServiceMeshMember): Promise<ReconcileResult> {
    if (!hasFinalizer(member, MEMBER_FINALIZER)) return {};
    const { namespace = '', name } = member.metadata ?? {};
    const meshNamespace = member.spec?.controlPlaneRef.namespace ?? '';
    // A failure throws and keeps the finalizer: a half-cleaned namespace must not be forgotten.
    if (name === DEFAULT_NAME && namespace !== meshNamespace) await cleanNamespace(this.#client, namespace, meshNamespace);
    await this.#removeOwnRoll(member, meshNamespace);
    await removeFinalizer(this.#client, ServiceMeshMemberResource, member, MEMBER_FINALIZER);
    return {};
  }

  /** The roll that a member made goes with the last member, unless someone uses it by now. */
  async #removeOwnRoll(member: ServiceMeshMember, meshNamespace: string): Promise<void> {
    if (!(await this.#client.find(NamespaceResource, meshNamespace))) return;
    const roll = await this.#client.find(ServiceMeshMemberRollResource, DEFAULT_NAME, meshNamespace);
    if (roll?.metadata?.annotations?.[CREATED_BY] !== MEMBER_CONTROLLER || (roll.spec?.members ?? []).length > 0 || (roll.spec?.memberSelectors ?? []).length > 0) return;
    const others = (await this.#client.listAll(ServiceMeshMemberResource)).filter((other) => other.metadata?.uid !== member.metadata?.uid && other.spec?.controlPlaneRef.namespace === meshNamespace);
    if (others.length === 0) await this.#client.delete(ServiceMeshMemberRollResource, DEFAULT_NAME, meshNamespace);
  }
}

/** Both conditions always agree; an empty reason is success. */
function nextStatus(member: ServiceMeshMember, mesh: ServiceMeshControlPlane | undefined, reason: string, message: string): MemberStatus {
  const { name = '', namespace = '' } = member.spec?.controlPlaneRef ?? {};
  const status = reason === '' ? 'True' : 'False';
  const conditions = (['Reconciled', 'Ready'] as const).reduce<Condition[]>((list, type) => setCondition(list, { type, status, reason, message }), (member.status?.conditions ?? []) as Condition[]);
  const generation = mesh?.status?.observedGeneration ?? 0;
  return {
    ...member.status,
    annotations: { ...member.status?.annotations, controlPlaneRef: `${namespace}/${name}` },
    observedGeneration: member.metadata?.generation ?? 1,
    ...(reason === '' && mesh?.status ? { meshGeneration: generation, meshReconciledVersion: `${mesh.status.operatorVersion ?? ''}-${generation}` } : {}),
    conditions: conditions as NonNullable<MemberStatus['conditions']>,
  };
}
