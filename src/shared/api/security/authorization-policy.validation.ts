// The webhook's semantic checks of AuthorizationPolicy: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { AuthorizationPolicy } from './authorization-policy.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateAuthorizationPolicy(object: AuthorizationPolicy): Issue[] {
  void object;
  return [];
}
