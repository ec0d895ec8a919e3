// The webhook's semantic checks of Sidecar: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Sidecar } from './sidecar.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateSidecar(object: Sidecar): Issue[] {
  void object;
  return [];
}
