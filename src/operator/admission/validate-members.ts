// The webhooks of member rolls and members.
import { ServiceMeshMemberRollResource, type ServiceMeshMemberRoll } from '../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import type { ServiceMeshMember } from '../../shared/api/maistra/v1/service-mesh-member.ts';
import { deepEqual } from '../../shared/lib/index.ts';
import { subjectAccessReview, type KubeClient } from '../../shared/kube/index.ts';
import { allowed, refused, type AdmissionAnswer, type AdmissionQuestion } from './review.ts';
import type { ValidationContext } from './validate-control-plane.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Takes the mesh's own namespace out of a roll. */
export function defaultMemberRoll(question: AdmissionQuestion): AdmissionAnswer {
  const members = (question.object as ServiceMeshMemberRoll).spec?.members;
  if (!members?.includes(question.namespace)) return allowed;
  return { allowed: true, patch: [{ op: 'replace', path: '/spec/members', value: members.filter((name) => name !== question.namespace) }] };
}

/** Answers for one member roll. The operator itself writes the roll of a cluster-wide mesh, whose administrator was asked for permission, and of members, who were too. */
export async function validateMemberRoll(context: ValidationContext, operatorUser: string, question: AdmissionQuestion): Promise<AdmissionAnswer> {
  const roll = question.object as ServiceMeshMemberRoll;
  const problem = rollProblem(context, roll, question.namespace) ?? await overlap(context.client, roll, question.namespace);
  if (problem) return refused(problem);
  return question.user.username === operatorUser ? allowed : permission(context.client, roll, question);
}

function rollProblem(context: ValidationContext, roll: ServiceMeshMemberRoll, namespace: string): string | undefined {
  const members = roll.spec?.members ?? [];
  if (roll.metadata?.name !== 'default') return "ServiceMeshMemberRoll must be named 'default'";
  if (namespace === context.operatorNamespace) return 'ServiceMeshMemberRoll may not be created in the same project/namespace as the operator';
  if (members.length > 0 && (roll.spec?.memberSelectors ?? []).length > 0) return 'combining .spec.members and .spec.memberSelectors is not allowed';
  const invalid = members.find((name) => name !== '*' && !DNS_LABEL.test(name));
  if (invalid !== undefined) return `.spec.members contains invalid value '${invalid}'. Must be a valid namespace name.`;
  if (new Set(members).size !== members.length) return 'ServiceMeshMemberRoll may not contain duplicate members';
  if (members.includes('*') && members.length > 1) return "when .spec.members contains '*', it may not contain any other value";
  return members.includes(namespace) ? 'mesh project/namespace cannot be listed as a member' : undefined;
}

async function overlap(client: KubeClient, roll: ServiceMeshMemberRoll, namespace: string): Promise<string | undefined> {
  const members = roll.spec?.members ?? [];
  if (members.length === 0) return undefined;
  for (const other of await client.listAll(ServiceMeshMemberRollResource)) {
    const theirs = other.spec?.members ?? [];
    if (other.metadata?.namespace === namespace || theirs.length === 0) continue;
    if (members.includes('*') || theirs.includes('*') || members.some((name) => theirs.includes(name))) return 'one or more members are already defined in another ServiceMeshMemberRoll';
  }
  return undefined;
}

/** Whoever may update pods everywhere may add anything; others only namespaces in which they may. */
async function permission(client: KubeClient, roll: ServiceMeshMemberRoll, { oldObject, user }: AdmissionQuestion): Promise<AdmissionAnswer> {
  const before = (oldObject as ServiceMeshMemberRoll | undefined)?.spec;
  if (deepEqual(before, roll.spec)) return allowed;
  const subject = { user: user.username, groups: user.groups, extra: user.extra };
  const everywhere = await subjectAccessReview(client, { verb: 'update', resource: 'pods' }, subject);
  if (everywhere.allowed) return allowed;
  if ((roll.spec?.members ?? []).includes('*') || (roll.spec?.memberSelectors ?? []).length > 0) return refused(`user '${user.username}' does not have permission to add all namespaces to the mesh`, 403);
  const added = (roll.spec?.members ?? []).filter((name) => !(before?.members ?? []).includes(name));
  const decisions = await Promise.all(added.map(async (namespace) => ({ namespace, decision: await subjectAccessReview(client, { verb: 'update', resource: 'pods', namespace }, subject) })));
  const denied = decisions.filter(({ decision }) => !decision.allowed).map(({ namespace }) => namespace);
  return denied.length === 0 ? allowed : refused(`user '${user.username}' does not have permission to access namespace(s): [${denied.join(' ')}]`, 403);
}

/** Answers for one member. The operator itself may write members without being asked for permission. */
export async function validateMember(context: ValidationContext, operatorUser: string, question: AdmissionQuestion): Promise<AdmissionAnswer> {
  const member = question.object as ServiceMeshMember;
  if (member.metadata?.name !== 'default') return refused("ServiceMeshMember must be named 'default'");
  if (question.namespace === context.operatorNamespace) return refused('ServiceMeshMember may not be created in the same project/namespace as the operator');
  const { name = '', namespace = '' } = member.spec?.controlPlaneRef ?? {};
  const before = (question.oldObject as ServiceMeshMember | undefined)?.spec?.controlPlaneRef;
  if (before && (before.name !== name || before.namespace !== namespace)) return refused("mutation of .spec.controlPlaneRef isn't allowed");
  if (before || question.user.username === operatorUser) return allowed;
  const { username, groups, extra } = question.user;
  const decision = await subjectAccessReview(context.client, { verb: 'use', group: 'maistra.io', resource: 'servicemeshcontrolplanes', name, namespace }, { user: username, groups, extra });
  return decision.allowed ? allowed : refused(`user '${username}' does not have permission to use ServiceMeshControlPlane ${namespace}/${name}`, 403);
}
