// Control plane object -> manifests. Pure: the operator, its webhook and the command line call the same functions.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { ok, type Issue, type Result } from '../../shared/lib/index.ts';
import type { VersionDirectory, VersionRegistry } from '../versions/index.ts';
import type { Facts } from './facts.ts';
import { effectiveSpec } from './profiles.ts';
import { renderWaves, type ManifestWave } from './render.ts';
import { buildValues, type Values } from './values.ts';

export type { Facts } from './facts.ts';
export { GENERATION_ANNOTATION, GENERATION_LABEL, MANAGED_BY, MEMBER_OF_LABEL, ownerLabels, ownerSelector } from './ownership.ts';
export { differingPaths, manifestKey, planChanges, type PlannedChange } from './plan.ts';
export { effectiveSpec, mergeMissing } from './profiles.ts';
export type { Manifest, ManifestWave } from './render.ts';
export { unsupportedFields } from './unsupported.ts';
export type { Values } from './values.ts';

/** Everything that one spec gives. */
export interface Rendering {
  readonly directory: VersionDirectory;
  readonly spec: ControlPlaneSpec;
  readonly values: Values;
  readonly waves: readonly ManifestWave[];
}

/** Renders a user's spec: profiles -> effective spec -> values -> manifests in waves. */
export function renderControlPlane(registry: VersionRegistry, spec: ControlPlaneSpec, facts: Facts): Result<Rendering, Issue[]> {
  const directory = registry.directory(spec.version ?? registry.defaultVersion);
  if (!directory.ok) return directory;
  const effective = effectiveSpec({ ...spec, version: directory.value.descriptor.name }, directory.value.files);
  if (!effective.ok) return effective;
  const values = buildValues(effective.value, directory.value, facts);
  const waves = renderWaves(directory.value, values, facts);
  return waves.ok ? ok({ directory: directory.value, spec: effective.value, values, waves: waves.value }) : waves;
}
