// What text from a configuration may become part of an HTTP message: a control character in a path, host or header would let it write messages of its own.
// Used by the compilers of this folder, and by what writes messages as the last guard (RFC 9110 section 5, RFC 9112 section 3).
import { isAuthority, isPathLiteral } from '../../shared/lib/index.ts';
import type { Findings } from './findings.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// No line break, no other control character but the tab, and nothing that does not fit into a byte: it would be cut down to one, and could become a line break.
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const BAD_TARGET = /[^\x21-\x7e\x80-\xff]/;

/** Whether `text` can be a header's name. */
export function isHeaderName(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether `text`, one character a byte, can be a header's value. */
export function isHeaderValue(text: string): boolean {
  return !BAD_VALUE.test(text);
}

/** Whether `text`, one character a byte, can be the target of a request. */
export function isRequestTarget(text: string): boolean {
  return text !== '' && !BAD_TARGET.test(text);
}

/** `text` with one character for each of its UTF-8 bytes, as headers are kept. */
export function byteString(text: string): string {
  if (!/[^\x00-\x7f]/.test(text)) return text;
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd')).replaceAll(/%([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Refuses a literal of a path that is not visible ASCII; returns it. */
export function pathLiteral(text: string, path: string, findings: Findings): string {
  if (!isPathLiteral(text)) findings.refuse(path, 'A path holds visible ASCII characters only. Write others percent-encoded.');
  return text;
}

/** Refuses a literal that is no host; returns it. */
export function hostLiteral(text: string, path: string, findings: Findings): string {
  if (!isAuthority(text)) findings.refuse(path, `${JSON.stringify(text)} is not a host with or without port.`);
  return text;
}
