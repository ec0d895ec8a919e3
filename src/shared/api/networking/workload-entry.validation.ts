// The webhook's semantic checks of WorkloadEntry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { WorkloadEntry } from './workload-entry.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateWorkloadEntry(object: WorkloadEntry): Issue[] {
  void object;
  return [];
}
