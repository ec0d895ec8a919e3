// The webhook's semantic checks of ServiceEntry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { ServiceEntry } from './service-entry.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateServiceEntry(object: ServiceEntry): Issue[] {
  void object;
  return [];
}
