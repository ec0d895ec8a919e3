// The webhook's semantic checks of PeerAuthentication: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { PeerAuthentication } from './peer-authentication.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validatePeerAuthentication(object: PeerAuthentication): Issue[] {
  void object;
  return [];
}
