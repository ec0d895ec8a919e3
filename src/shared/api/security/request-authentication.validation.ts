// The webhook's semantic checks of RequestAuthentication: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { RequestAuthentication } from './request-authentication.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateRequestAuthentication(object: RequestAuthentication): Issue[] {
  void object;
  return [];
}
