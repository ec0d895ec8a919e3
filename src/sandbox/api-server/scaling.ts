// The scale subresource: an autoscaling/v1 Scale as a view of a workload.
import type { KubeObject } from '../store/index.ts';
import { evaluateJsonPath, setAtPath } from './json-path.ts';
import type { ScalePaths } from './resource-info.ts';
import { invalidField } from '../schema/index.ts';
import { badRequest, invalidObject } from './status.ts';
import { timestamp } from './timestamps.ts';

/** The Scale of `object`. */
export function scaleOf(object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector === undefined ? undefined : showSelector(evaluateJsonPath(paths.selector, object)[0]);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: Number(evaluateJsonPath(paths.specReplicas, object)[0] ?? 0) },
    status: { replicas: Number(evaluateJsonPath(paths.statusReplicas, object)[0] ?? 0), ...(selector === undefined ? {} : { selector }) },
  };
}

/** The Scale with those who are noted for the number of replicas. */
export function managedScale(object: KubeObject, paths: ScalePaths): KubeObject {
  const scale = scaleOf(object, paths);
  const entries = ((object.metadata.managedFields ?? []) as ManagerEntry[]).filter((entry) => ownsReplicas(entry, paths));
  const managedFields = entries.map((entry) => ({ ...entry, apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:replicas': {} } }, ...(entry.subresource === 'scale' && entry.time === undefined ? { time: timestamp() } : {}) }));
  return managedFields.length === 0 ? scale : { ...scale, metadata: { ...scale.metadata, managedFields } };
}

interface ManagerEntry { readonly fieldsV1?: unknown; readonly subresource?: string; readonly time?: string }

function ownsReplicas({ fieldsV1 }: ManagerEntry, paths: ScalePaths): boolean {
  const steps = paths.specReplicas.split('.').filter((step) => step !== '').map((step) => `f:${step}`);
  return steps.reduce<unknown>((fields, step) => (fields as Record<string, unknown> | undefined)?.[step], fieldsV1) !== undefined;
}

/** Whether anybody is noted for the number of replicas: only then is it noted who scales. */
export function isScaleOwned(object: KubeObject, paths: ScalePaths): boolean {
  return ((object.metadata.managedFields ?? []) as ManagerEntry[]).some((entry) => ownsReplicas(entry, paths));
}

/** `object` with the replicas of `scale`. */
export function applyScale(object: KubeObject, scale: unknown, paths: ScalePaths, isCustom: boolean): KubeObject {
  const { spec, metadata } = (scale ?? {}) as { spec?: { replicas?: unknown }; metadata?: { resourceVersion?: string } };
  const replicas = spec?.replicas ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) throw badRequest('Scale in version "v1" cannot be handled as a Scale: spec.replicas is not an integer');
  if (replicas < 0) throw negativeReplicas(object, replicas, paths, isCustom);
  const changed = structuredClone(object);
  setAtPath(changed, paths.specReplicas, replicas);
  if (metadata?.resourceVersion) changed.metadata.resourceVersion = metadata.resourceVersion;
  return changed;
}

/** Built-in kinds look at the Scale, custom ones at what it would make of the object. */
function negativeReplicas(object: KubeObject, replicas: number, paths: ScalePaths, isCustom: boolean): Error {
  const { name } = object.metadata;
  if (!isCustom) return invalidObject({ group: 'autoscaling', plural: 'scales', kind: 'Scale' }, name, [invalidField('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  return invalidObject({ group: object.apiVersion.split('/').slice(0, -1).join('/'), plural: '', kind: object.kind }, name, [invalidField(paths.specReplicas, replicas, 'should be a non-negative integer')]);
}

function showSelector(selector: unknown): string | undefined {
  if (typeof selector === 'string') return selector;
  if (typeof selector !== 'object' || selector === null) return undefined;
  const { matchLabels } = selector as { matchLabels?: Record<string, string> };
  return Object.entries(matchLabels ?? (selector as Record<string, string>)).filter(([, value]) => typeof value === 'string').map(([key, value]) => `${key}=${value}`).sort().join(',');
}
