// Keeps a ServiceMeshMember in each namespace that the roll asks for, and tells in the roll's status how far each is.
import { NamespaceResource, type Namespace } from '../../../shared/api/core/cluster.ts';
import { ServiceMeshMemberResource, type ServiceMeshMember } from '../../../shared/api/maistra/v1/service-mesh-member.ts';
import { ServiceMeshMemberRollResource, type ServiceMeshMemberRoll } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { deepEqual } from '../../../shared/lib/index.ts';
import { addFinalizer, hasFinalizer, isConflict, KubeError, removeFinalizer, type KubeClient, type ReconcileResult } from '../../../shared/kube/index.ts';
import { CREATED_BY, DEFAULT_NAME, ROLL_CONTROLLER } from '../membership.ts';
import { requiredMembers } from './required-members.ts';
import { invalidNameStatus, rollStatus, type MemberStatus, type RollStatus } from './roll-status.ts';

/** Finalizer on every member roll. */
export const ROLL_FINALIZER = 'maistra.io/istio-operator';

/** What the reconciler needs. */
export interface MemberRollReconcilerOptions {
  readonly client: KubeClient;
  readonly operatorNamespace: string;
}

/** Reconciles member rolls by their key `namespace/name`. */
export class MemberRollReconciler {
  readonly #options: MemberRollReconcilerOptions;
  readonly #client: KubeClient;

  constructor(options: MemberRollReconcilerOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** One pass. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const [meshNamespace = '', name = ''] = key.split('/');
    const found = await this.#client.find(ServiceMeshMemberRollResource, name, meshNamespace);
    if (!found) return {};
    try {
      if (found.metadata?.deletionTimestamp) return await this.#delete(found);
      if (name !== DEFAULT_NAME) return await this.#writeStatus(found, invalidNameStatus(found));
      const roll = hasFinalizer(found, ROLL_FINALIZER) ? found : await addFinalizer(this.#client, ServiceMeshMemberRollResource, found, ROLL_FINALIZER);
      return await this.#bringUp(roll);
    } catch (error) {
      if (isConflict(error)) return { requeueAfterMilliseconds: 500 };
      throw error;
    }
  }

  async #bringUp(roll: ServiceMeshMemberRoll): Promise<ReconcileResult> {
    const meshNamespace = roll.metadata?.namespace ?? '';
    const meshes = (await this.#client.listAll(ServiceMeshControlPlaneResource, { namespace: meshNamespace })).filter((mesh) => !mesh.metadata?.deletionTimestamp);
    const namespaces = new Map((await this.#client.listAll(NamespaceResource)).map((namespace) => [namespace.metadata?.name ?? '', namespace]));
    const members = await this.#client.listAll(ServiceMeshMemberResource);
    const required = requiredMembers(roll, namespaces.values(), this.#options.operatorNamespace);
    if (meshes.length > 1) return this.#writeStatus(roll, rollStatus({ roll, mesh: undefined, required, members, problems: [], failure: { reason: 'ErrMultipleSMCPs', message: 'Multiple ServiceMeshControlPlane resources exist in the namespace' } }));
    const mesh = meshes[0];
    await this.#removeSurplus(meshNamespace, members, mesh ? new Set(required) : new Set());
    if (!mesh) return this.#writeStatus(roll, rollStatus({ roll, mesh, required, members, problems: [], failure: { reason: 'ErrSMCPMissing', message: 'No ServiceMeshControlPlane exists in the namespace' } }));
    const problems = await this.#createMissing(mesh, required, namespaces, members);
    const present = await this.#client.listAll(ServiceMeshMemberResource);
    return this.#writeStatus(roll, rollStatus({ roll, mesh, required, members: present, problems }));
  }

  /** Deletes members that this roll made and that are no longer asked for. */
  async #removeSurplus(meshNamespace: string, members: readonly ServiceMeshMember[], wanted: ReadonlySet<string>): Promise<void> {
    for (const member of members) {
      const { namespace = '', annotations, deletionTimestamp } = member.metadata ?? {};
      if (member.spec?.controlPlaneRef.namespace !== meshNamespace || annotations?.[CREATED_BY] !== ROLL_CONTROLLER) continue;
      if (!deletionTimestamp && !wanted.has(namespace)) await this.#client.delete(ServiceMeshMemberResource, member.metadata?.name ?? '', namespace);
    }
  }

  async #createMissing(mesh: ServiceMeshControlPlane, required: readonly string[], namespaces: ReadonlyMap<string, Namespace>, members: readonly ServiceMeshMember[]): Promise<MemberStatus[]> {
    const problems: MemberStatus[] = [];
    const { name = '', namespace: meshNamespace = '' } = mesh.metadata ?? {};
    for (const namespace of required) {
      const existing = members.find((member) => member.metadata?.namespace === namespace && member.metadata.name === DEFAULT_NAME);
      const found = namespaces.get(namespace);
      if (!found || found.metadata?.deletionTimestamp) problems.push(memberProblem(namespace, 'NamespaceNotExists', `Namespace ${namespace} does not exist or is being deleted`));
      else if (existing && existing.spec?.controlPlaneRef.namespace !== meshNamespace) problems.push(memberProblem(namespace, 'ReferencesDifferentControlPlane', `The namespace belongs to the mesh in ${existing.spec?.controlPlaneRef.namespace ?? ''}`));
      else if (!existing) await this.#createMember(namespace, name, meshNamespace);
    }
    return problems;
  }

  async #createMember(namespace: string, name: string, meshNamespace: string): Promise<void> {
    try {
      await this.#client.create(ServiceMeshMemberResource, {
        metadata: { name: DEFAULT_NAME, namespace, annotations: { [CREATED_BY]: ROLL_CONTROLLER } }, spec: { controlPlaneRef: { name, namespace: meshNamespace } },
      });
    } catch (error) {
      if (!(error instanceof KubeError && (error.isAlreadyExists() || error.isNotFound()))) throw error;
    }
  }

  async #writeStatus(roll: ServiceMeshMemberRoll, status: RollStatus): Promise<ReconcileResult> {
    if (deepEqual(status, roll.status)) return {};
    await this.#client.patch(ServiceMeshMemberRollResource, roll.metadata?.name ?? '', roll.metadata?.namespace, [{ op: roll.status === undefined ? 'add' : 'replace', path: '/status', value: status }], { kind: 'json', subresource: 'status' });
    return {};
  }

  async #delete(roll: ServiceMeshMemberRoll): Promise<ReconcileResult> {
    if (!hasFinalizer(roll, ROLL_FINALIZER)) return {};
    await this.#removeSurplus(roll.metadata?.namespace ?? '', await this.#client.listAll(ServiceMeshMemberResource), new Set());
    await removeFinalizer(this.#client, ServiceMeshMemberRollResource, roll, ROLL_FINALIZER);
    return {};
  }
}

function memberProblem(namespace: string, reason: string, message: string): MemberStatus {
  return { namespace, conditions: [{ type: 'Reconciled', status: 'False', reason, message }] };
}
