// Fields of a control plane's spec that are kept but have no effect yet: they are reported, never silently dropped.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { AS_THINGS_ARE, FIELDS_IN_FORCE } from './fields-in-force.ts';
import { isData } from './profiles.ts';

const inForce = FIELDS_IN_FORCE.map((path) => path.split('.'));

/** Paths in the user's own `spec` that this operator does not act on; the highest one where nothing below has an effect. */
export function unsupportedFields(spec: ControlPlaneSpec): string[] {
  return withoutEffect(spec, []).map((path) => ['spec', ...path].join('.')).sort();
}

function withoutEffect(value: unknown, path: readonly string[]): string[][] {
  if (path.length > 0 && inForce.some((known) => matches(known, path) && known.length <= path.length)) return [];
  if (asksForNothing(value, path)) return [];
  const hasEffectBelow = path.length === 0 || inForce.some((known) => known.length > path.length && matches(known, path)) || Object.keys(AS_THINGS_ARE).some((known) => known.startsWith(`${path.join('.')}.`));
  if (!hasEffectBelow || !isData(value)) return [[...path]];
  return Object.entries(value).flatMap(([key, child]) => withoutEffect(child, [...path, key]));
}

/** Whether `path` and `known` agree as far as both go. */
function matches(known: readonly string[], path: readonly string[]): boolean {
  return path.slice(0, known.length).every((name, index) => known[index] === '*' || known[index] === name);
}

/** Whether a value changes nothing: absent, empty, something switched off, or how things are anyway. */
function asksForNothing(value: unknown, path: readonly string[]): boolean {
  if (value === undefined || value === null) return true;
  if (path.length > 0 && isData(value)) return Object.entries(value).every(([key, child]) => asksForNothing(child, [...path, key]));
  return (path.at(-1) === 'enabled' && value === false) || (AS_THINGS_ARE[path.join('.')] ?? []).includes(value);
}
