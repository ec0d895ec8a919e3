// Fields of a control plane's spec that are kept but have no effect yet: they are reported, never silently dropped.
import { controlPlaneSpecSchema, type ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { unknownFields } from '../../shared/api/unknown-fields.ts';

/** Fields that are typed because they exist in every Maistra spec, yet ask for something that is not installed. */
const ADDONS = ['grafana', 'kiali', 'prometheus'] as const;

/** Paths in the user's own `spec` that this operator does not act on. */
export function unsupportedFields(spec: ControlPlaneSpec): string[] {
  const { techPreview: _raw, ...typed } = spec;
  const asked = ADDONS.filter((name) => spec.addons?.[name]?.enabled === true).map((name) => `spec.addons.${name}.enabled`);
  return [...unknownFields(controlPlaneSpecSchema, typed, 'spec'), ...asked].sort();
}
