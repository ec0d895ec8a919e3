// The status of a member roll, from what it asks for and how far each member is.
import type { Condition } from '../../../shared/api/meta/index.ts';
import type { ServiceMeshMember } from '../../../shared/api/maistra/v1/service-mesh-member.ts';
import type { ServiceMeshMemberRoll } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import type { ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { getCondition, isConditionTrue, setCondition } from '../../../shared/kube/index.ts';
import { DEFAULT_NAME } from '../membership.ts';

/** How one namespace stands. */
export interface MemberStatus { namespace: string; conditions: Condition[] }
/** The roll's status. */
export type RollStatus = NonNullable<ServiceMeshMemberRoll['status']>;

/** What a status is made from. */
export interface RollFacts {
  readonly roll: ServiceMeshMemberRoll;
  readonly mesh: ServiceMeshControlPlane | undefined;
  readonly required: readonly string[];
  /** Every member there is, of any mesh. */
  readonly members: readonly ServiceMeshMember[];
  readonly problems: readonly MemberStatus[];
  /** Why the roll cannot be carried out at all. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** Builds the status. */
export function rollStatus({ roll, mesh, required, members: all, problems, failure }: RollFacts): RollStatus {
  const meshNamespace = roll.metadata?.namespace ?? '';
  const own = all.filter((member) => member.spec?.controlPlaneRef.namespace === meshNamespace && member.metadata?.name === DEFAULT_NAME);
  const members = [...new Set([...required, ...own.map(namespaceOf)])].filter((name) => name !== meshNamespace).sort();
  const terminating = own.filter((member) => member.metadata?.deletionTimestamp).map(namespaceOf).sort();
  const configured = mesh ? own.filter(isConfigured).map(namespaceOf).sort() : [];
  const version = reconciledVersion(mesh);
  // Nobody is up to date with a mesh that is not there yet: Ready, once true, would turn false as soon as it is.
  const current = new Set(own.filter((member) => version !== undefined && member.status?.meshReconciledVersion === version).map(namespaceOf));
  const pending = members.filter((name) => !(configured.includes(name) && current.has(name)) && !terminating.includes(name));
  return {
    ...roll.status,
    annotations: { ...roll.status?.annotations, configuredMemberCount: `${configured.length}/${members.length}` },
    observedGeneration: roll.metadata?.generation ?? 1,
    ...(version === undefined ? {} : { meshGeneration: mesh?.status?.observedGeneration ?? 0, meshReconciledVersion: version }),
    members, configuredMembers: configured, pendingMembers: pending, terminatingMembers: terminating,
    memberStatuses: memberStatuses(members, own, problems) as NonNullable<RollStatus['memberStatuses']>,
    conditions: withReady(roll, failure ?? readiness(pending)),
  };
}

/** The status of a roll that has a name that no roll may have. */
export function invalidNameStatus(roll: ServiceMeshMemberRoll): RollStatus {
  return { ...roll.status, conditions: withReady(roll, { reason: 'ErrInvalidName', message: `ServiceMeshMemberRoll must be named '${DEFAULT_NAME}'` }) };
}

function namespaceOf(member: ServiceMeshMember): string {
  return member.metadata?.namespace ?? '';
}

function isConfigured(member: ServiceMeshMember): boolean {
  return !member.metadata?.deletionTimestamp && isConditionTrue(member.status?.conditions, 'Reconciled');
}

function reconciledVersion(mesh: ServiceMeshControlPlane | undefined): string | undefined {
  const { operatorVersion, observedGeneration = 0 } = mesh?.status ?? {};
  return operatorVersion === undefined ? undefined : `${operatorVersion}-${observedGeneration}`;
}

function readiness(pending: readonly string[]): { reason: string; message: string } {
  if (pending.length === 0) return { reason: 'Configured', message: 'All namespaces have been configured successfully' };
  return { reason: 'ReconcileError', message: `The following namespaces are not yet configured: [${pending.join(' ')}]` };
}

function withReady(roll: ServiceMeshMemberRoll, { reason, message }: { reason: string; message: string }): NonNullable<RollStatus['conditions']> {
  return setCondition(roll.status?.conditions as Condition[] | undefined, { type: 'Ready', status: reason === 'Configured' ? 'True' : 'False', reason, message }) as NonNullable<RollStatus['conditions']>;
}

function memberStatuses(members: readonly string[], own: readonly ServiceMeshMember[], problems: readonly MemberStatus[]): MemberStatus[] {
  return members.map((namespace) => {
    const problem = problems.find((status) => status.namespace === namespace);
    if (problem) return problem;
    const reconciled = getCondition(own.find((member) => namespaceOf(member) === namespace)?.status?.conditions, 'Reconciled');
    return { namespace, conditions: reconciled ? [reconciled] : [] };
  });
}
