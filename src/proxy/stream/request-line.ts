// The last guard before a request is written: what rewrites made of its parts must still be one request. Called by both client codecs.
import { isAuthority } from '../../shared/lib/index.ts';
import { isHeaderName, isHeaderValue, isRequestTarget } from '../config/wire-text.ts';
import type { RequestHeaders } from './header-map.ts';

/** Whether method, target, host and upgrade of `headers` can be written without becoming anything else. */
export function isWritable(headers: RequestHeaders): boolean {
  const { method, path, authority, upgrade } = headers;
  return isHeaderName(method) && isAuthority(authority) && (method === 'CONNECT' && path === '' ? authority !== '' : isRequestTarget(path)) && (upgrade === '' || isHeaderValue(upgrade));
}
