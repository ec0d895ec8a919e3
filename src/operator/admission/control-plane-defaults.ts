// Defaults that are written into a ServiceMeshControlPlane when it is created or edited.
import type { ServiceMeshControlPlane } from '../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { VersionRegistry } from '../versions/index.ts';
import type { AdmissionAnswer, AdmissionQuestion, PatchOperation } from './review.ts';

/** The defaulting webhook of control planes: single fields are set, whole sections never replaced. */
export function defaultControlPlane(registry: VersionRegistry, question: AdmissionQuestion): AdmissionAnswer {
  const { spec } = question.object as ServiceMeshControlPlane;
  const previous = (question.oldObject as ServiceMeshControlPlane | undefined)?.spec?.version;
  const patch: PatchOperation[] = [];
  if (!spec) patch.push({ op: 'add', path: '/spec', value: {} });
  if (!spec?.version) patch.push({ op: 'add', path: '/spec/version', value: question.operation === 'UPDATE' && previous ? previous : registry.defaultVersion });
  if (!spec?.profiles || spec.profiles.length === 0) patch.push({ op: 'add', path: '/spec/profiles', value: ['default'] });
  if (question.operation === 'CREATE') patch.push(...setMissing(spec as Record<string, unknown> | undefined, ['gateways', 'openshiftRoute', 'enabled'], false), ...setMissing(spec as Record<string, unknown> | undefined, ['tracing', 'type'], 'None'));
  return { allowed: true, patch };
}

/** Operations that set the field at `path` of the spec unless it has a value, making the maps on the way. */
function setMissing(spec: Readonly<Record<string, unknown>> | undefined, path: readonly string[], value: unknown): PatchOperation[] {
  const operations: PatchOperation[] = [];
  let present: unknown = spec;
  path.forEach((key, index) => {
    present = typeof present === 'object' && present !== null ? (present as Record<string, unknown>)[key] : undefined;
    if (present === undefined || present === null) operations.push({ op: 'add', path: `/spec/${path.slice(0, index + 1).join('/')}`, value: index === path.length - 1 ? value : {} });
  });
  return operations;
}
