// The validating webhook of control planes: rules of the spec, rules between control planes, version changes, permissions.
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { formatIssue } from '../../shared/lib/index.ts';
import { subjectAccessReview, type KubeClient } from '../../shared/kube/index.ts';
import { effectiveSpec, unsupportedFields } from '../manifest/index.ts';
import { checkVersionChange, type VersionRegistry } from '../versions/index.ts';
import { controlPlaneRuleViolations } from './control-plane-rules.ts';
import { refused, type AdmissionAnswer, type AdmissionQuestion } from './review.ts';

/** What the validators need. */
export interface ValidationContext {
  readonly client: KubeClient;
  readonly registry: VersionRegistry;
  readonly operatorNamespace: string;
}

/** Answers for one control plane. */
export async function validateControlPlane(context: ValidationContext, question: AdmissionQuestion): Promise<AdmissionAnswer> {
  const mesh = question.object as ServiceMeshControlPlane;
  const spec = mesh.spec ?? {};
  if (question.namespace === context.operatorNamespace) return refused('service mesh may not be installed in the same project/namespace as the operator');
  const others = (await context.client.listAll(ServiceMeshControlPlaneResource)).filter((other) => other.metadata?.namespace !== question.namespace || other.metadata?.name !== mesh.metadata?.name);
  if (question.operation === 'CREATE' && others.some((other) => other.metadata?.namespace === question.namespace)) return refused('only one service mesh may be installed per project/namespace');
  const problems = [...versionProblems(context.registry, mesh, question), ...controlPlaneRuleViolations(spec), ...clusterWideProblems(spec.mode, others)];
  if (problems.length > 0) return refused(problems.join('; '));
  const forbidden = await clusterWidePermission(context.client, mesh, question);
  if (forbidden) return refused(forbidden, 403);
  const fields = unsupportedFields(spec);
  return { allowed: true, ...(fields.length > 0 ? { warnings: [`these fields are kept but have no effect in this version: ${fields.join(', ')}`] } : {}) };
}

function versionProblems(registry: VersionRegistry, mesh: ServiceMeshControlPlane, question: AdmissionQuestion): string[] {
  const to = mesh.spec?.version ?? registry.defaultVersion;
  const from = (question.oldObject as ServiceMeshControlPlane | undefined)?.spec?.version;
  if (!registry.find(to)) return [`invalid Version specified; supported versions are: ${registry.installable.join(', ')}`];
  // An old version stays a valid value: only an object that has it already may keep it.
  const directory = registry.directory(to);
  if (!directory.ok) return from === to ? [] : [`Only '[${registry.installable.join(' ')}]' versions are supported`];
  const profiles = effectiveSpec(mesh.spec ?? {}, directory.value.files);
  const change = from === undefined || from === to ? [] : checkVersionChange(registry, from, to);
  return [...(profiles.ok ? [] : profiles.error), ...change].map(formatIssue);
}

function clusterWideProblems(mode: string | undefined, others: readonly ServiceMeshControlPlane[]): string[] {
  if (mode === 'ClusterWide' && others.length > 0) return ['a cluster-scoped SMCP may only be created when no other SMCPs exist'];
  if (others.some((other) => other.spec?.mode === 'ClusterWide')) return ['no other SMCPs may be created when a cluster-scoped SMCP exists'];
  return [];
}

/** Maistra asked this only at creation, so that an edit could widen a mesh without permission; here the edit is asked too. */
async function clusterWidePermission(client: KubeClient, mesh: ServiceMeshControlPlane, { oldObject, user }: AdmissionQuestion): Promise<string | undefined> {
  if (mesh.spec?.mode !== 'ClusterWide' || (oldObject as ServiceMeshControlPlane | undefined)?.spec?.mode === 'ClusterWide') return undefined;
  const decision = await subjectAccessReview(client, { verb: 'create', group: 'maistra.io', resource: 'servicemeshcontrolplanes' }, { user: user.username, groups: user.groups, extra: user.extra });
  return decision.allowed ? undefined : 'a cluster-scoped SMCP may only be created by users with cluster-scoped "create SMCP" permissions';
}
