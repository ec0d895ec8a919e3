// The webhook's semantic checks of VirtualService: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { VirtualService } from './virtual-service.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateVirtualService(object: VirtualService): Issue[] {
  void object;
  return [];
}
