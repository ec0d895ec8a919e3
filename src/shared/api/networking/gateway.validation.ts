// The webhook's semantic checks of Gateway: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Gateway } from './gateway.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateGateway(object: Gateway): Issue[] {
  void object;
  return [];
}
