// Which text may become part of an HTTP message (RFC 9110 section 5, RFC 9112 section 3): a control character in a path, host or header would let it write messages of its own. Used by
// what validates routes and by what writes messages, so that both draw the same line.

const AUTHORITY = /^[A-Za-z0-9\-._~%!$&'()*+,;=:@[\]]*$/;
const VISIBLE = /^[\x21-\x7e]*$/;
const CONNECTION_HEADERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'http2-settings']);

/** Whether the header `name` (lower case) frames a message or belongs to one connection: the codecs alone write such. */
export function isConnectionHeader(name: string): boolean {
  return CONNECTION_HEADERS.has(name);
}

/** Whether `text` can be a host with or without port. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/** Whether `text`, as somebody writes it in a configuration, can be a path or part of one: visible ASCII, all else percent-encoded. */
export function isPathLiteral(text: string): boolean {
  return VISIBLE.test(text);
}
