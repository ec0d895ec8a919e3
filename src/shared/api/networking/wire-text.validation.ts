// Text of a route that becomes part of an HTTP message: a control character in it would let the route write messages of its own, and a proxy
// refuses the whole route table that holds one. Called by the validation of VirtualService (RFC 9110 section 5, RFC 9112 section 3).
import { isAuthority, isConnectionHeader, isPathLiteral } from '../../lib/index.ts';
import type { Findings } from './validation-rules.ts';

/** A path or the start of one, as a rewrite or redirect writes it. */
export function checkTarget(text: string | undefined, path: string, findings: Findings): void {
  if (text !== undefined && !isPathLiteral(text)) findings.error(path, 'A path can hold visible ASCII characters only. Percent-encode spaces and everything else.');
}

/** A host with or without port, as a rewrite or redirect writes it. */
export function checkAuthority(text: string | undefined, path: string, findings: Findings): void {
  if (text !== undefined && !isAuthority(text)) findings.error(path, 'A host can not hold spaces, slashes or control characters. Give a name, with a port if need be.');
}

/** A header that is set, added or removed. */
export function checkChangedHeader(name: string, path: string, findings: Findings): void {
  if (isConnectionHeader(name.toLowerCase())) findings.error(path, `${name} frames messages or belongs to one connection, and is written by the proxy alone. Remove it.`);
}
