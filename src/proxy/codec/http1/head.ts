// Parses the head of an HTTP/1.1 message (RFC 9112 sections 2 to 6), strictly: whatever two parsers could read differently is refused. Called by the
// message parser once the whole head is there.
import { RequestHeaders, ResponseHeaders, type HeaderMap } from '../../stream/header-map.ts';

/** How the length of a body is known. */
export type BodyFraming = { readonly kind: 'none' } | { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' } | { readonly kind: 'close' } | { readonly kind: 'raw' };

/** A message that is refused: status to answer with and why. */
export class HeadError extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** What the head says of the connection and the body. */
export interface HeadFacts {
  minorVersion: 0 | 1;
  contentLength: number;
  chunked: boolean;
  close: boolean;
  keepAlive: boolean;
  connectionUpgrade: boolean;
  upgrade: string;
  expectContinue: boolean;
  hosts: number;
  host: string;
  /** How many names Connection has, and those of further headers, to be removed. */
  connectionNames: number;
  nominated: Set<string> | null;
}

/** An honest message names a handful of headers in Connection. */
const MAXIMUM_CONNECTION_NAMES = 32;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;
const BAD_TARGET = /[^\x21-\x7e]/;
const AUTHORITY = /^(?:[A-Za-z0-9\-._~%!$&'()*+,;=:]|\[|\])*$/;
const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE']);
/** Never removed on a peer's word: they are end to end or ours, or (te) kept only in the form that is passed on. */
const NOT_NOMINATED = /^(?:host|te|content-length|cookie|authorization|forwarded|x-forwarded-.*|x-envoy-.*|x-request-id)$/;

// Spelling as received -> checked lower-case name. Bounded, so that a peer cannot fill memory with names.
const knownNames = new Map<string, string>();
const MAXIMUM_KNOWN_NAMES = 2000;

function lowerCaseName(raw: string): string {
  const known = knownNames.get(raw);
  if (known !== undefined) return known;
  if (!TOKEN.test(raw)) throw new HeadError(400, 'http1.invalid_header_name');
  const name = raw.toLowerCase();
  if (knownNames.size < MAXIMUM_KNOWN_NAMES) knownNames.set(flat(raw), flat(name));
  return name;
}

// A key kept for ever must not hold the head it was cut from.
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Parses the field lines of `text` from `start` into `headers`; `facts` null for trailers. */
export function parseFields(text: string, start: number, headers: HeaderMap, facts: HeadFacts | null, maximumHeaders: number): void {
  let position = start;
  let count = 0;
  while (position < text.length) {
    let end = text.indexOf('\n', position);
    if (end < 0) end = text.length;
    else if (text.charCodeAt(end - 1) !== 13) throw new HeadError(400, 'http1.bare_line_feed');
    const lineEnd = end === text.length ? end : end - 1;
    const colon = text.indexOf(':', position);
    if (colon < 0 || colon >= lineEnd) throw new HeadError(400, 'http1.header_without_colon');
    const name = lowerCaseName(text.slice(position, colon));
    const value = trimValue(text, colon + 1, lineEnd);
    if (BAD_VALUE.test(value)) throw new HeadError(400, 'http1.invalid_header_value');
    count += 1;
    if (count > maximumHeaders) throw new HeadError(431, 'http1.too_many_headers');
    if (facts === null || keepsField(name, value, facts)) headers.items.push(name, value);
    position = end + 1;
  }
}

function trimValue(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Takes note of the fields that frame the message; those that belong to the connection are not kept. */
function keepsField(name: string, value: string, facts: HeadFacts): boolean {
  switch (name) {
    case 'content-length':
      if (facts.contentLength >= 0) throw new HeadError(400, 'http1.duplicate_content_length');
      if (!/^[0-9]{1,15}$/.test(value)) throw new HeadError(400, 'http1.invalid_content_length');
      facts.contentLength = Number(value);
      return true;
    case 'transfer-encoding':
      if (facts.chunked || value.toLowerCase() !== 'chunked') throw new HeadError(501, 'http1.unsupported_transfer_encoding');
      facts.chunked = true;
      return false;
    case 'host':
      facts.hosts += 1;
      facts.host = value;
      return false;
    case 'connection':
      noteConnection(value, facts);
      return false;
    case 'upgrade':
      facts.upgrade = value.toLowerCase();
      return false;
    case 'keep-alive':
    case 'proxy-connection':
    case 'http2-settings':
      return false;
    case 'te':
      return value.toLowerCase() === 'trailers';
    case 'expect':
      if (value.toLowerCase() !== '100-continue') return true;
      facts.expectContinue = true;
      return false;
    default:
      return true;
  }
}

function noteConnection(value: string, facts: HeadFacts): void {
  for (const part of value.toLowerCase().split(',', MAXIMUM_CONNECTION_NAMES + 1)) {
    facts.connectionNames += 1;
    if (facts.connectionNames > MAXIMUM_CONNECTION_NAMES) throw new HeadError(400, 'http1.too_many_connection_names');
    const token = part.trim();
    if (token === 'close') facts.close = true;
    else if (token === 'keep-alive') facts.keepAlive = true;
    else if (token === 'upgrade') facts.connectionUpgrade = true;
    else if (token !== '' && !NOT_NOMINATED.test(token)) (facts.nominated ??= new Set()).add(token);
  }
}

function newFacts(minorVersion: 0 | 1): HeadFacts {
  return { minorVersion, contentLength: -1, chunked: false, close: false, keepAlive: false, connectionUpgrade: false, upgrade: '', expectContinue: false, hosts: 0, host: '', connectionNames: 0, nominated: null };
}

function lineEndOf(text: string): number {
  const end = text.indexOf('\n');
  if (end < 0) return text.length;
  if (text.charCodeAt(end - 1) !== 13) throw new HeadError(400, 'http1.bare_line_feed');
  return end - 1;
}

function checkFraming(headers: HeaderMap, facts: HeadFacts): void {
  if (facts.chunked && facts.contentLength >= 0) throw new HeadError(400, 'http1.content_length_and_chunked_not_allowed');
  if (facts.chunked && facts.minorVersion === 0) throw new HeadError(400, 'http1.transfer_encoding_in_http10');
  const { nominated } = facts;
  if (nominated) headers.removeIf((name) => nominated.has(name));
  if (facts.minorVersion === 0 && !facts.keepAlive) facts.close = true;
}

/** A request's head: `text` without its blank line. */
export function parseRequestHead(text: string, maximumHeaders: number): { readonly headers: RequestHeaders; readonly facts: HeadFacts } {
  const lineEnd = lineEndOf(text);
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  if (first <= 0 || second < 0 || second > lineEnd) throw new HeadError(400, 'http1.invalid_request_line');
  const method = text.slice(0, first);
  const target = text.slice(first + 1, second);
  const version = text.slice(second + 1, lineEnd);
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') throw new HeadError(/^HTTP\/[0-9]\.[0-9]$/.test(version) ? 505 : 400, 'http1.invalid_version');
  if (!METHODS.has(method) && !TOKEN.test(method)) throw new HeadError(400, 'http1.invalid_method');
  if (target === '' || BAD_TARGET.test(target)) throw new HeadError(400, 'http1.invalid_url');
  const headers = new RequestHeaders();
  headers.method = method;
  const facts = newFacts(version === 'HTTP/1.1' ? 1 : 0);
  parseFields(text, lineEnd + 2, headers, facts, maximumHeaders);
  checkHost(facts);
  headers.authority = facts.host;
  parseTarget(headers, target);
  checkFraming(headers, facts);
  takeUpgrade(headers, facts);
  return { headers, facts };
}

// What follows an upgrade or CONNECT with a body would be that body to one reader and the new protocol to another.
function takeUpgrade(headers: RequestHeaders, facts: HeadFacts): void {
  if (facts.connectionUpgrade && facts.upgrade !== '' && facts.upgrade !== 'h2c') headers.upgrade = facts.upgrade;
  if (!facts.chunked && facts.contentLength <= 0) return;
  if (headers.upgrade !== '') throw new HeadError(400, 'http1.upgrade_with_body');
  if (headers.method === 'CONNECT') throw new HeadError(400, 'http1.connect_with_body');
}

function checkHost(facts: HeadFacts): void {
  if (facts.hosts > 1 || (facts.hosts === 0 && facts.minorVersion === 1)) throw new HeadError(400, 'http1.host_header_count');
  if (!AUTHORITY.test(facts.host)) throw new HeadError(400, 'http1.invalid_host');
}

/** The four forms of a request target (RFC 9112 section 3.2). */
function parseTarget(headers: RequestHeaders, target: string): void {
  if (headers.method === 'CONNECT') {
    if (!AUTHORITY.test(target) || !/:[0-9]{1,5}$/.test(target)) throw new HeadError(400, 'http1.invalid_connect_target');
    headers.authority = target;
    headers.path = '';
  } else if (target.charCodeAt(0) === 47) headers.path = target;
  else if (target === '*' && headers.method === 'OPTIONS') headers.path = '*';
  else parseAbsoluteForm(headers, target);
}

function parseAbsoluteForm(headers: RequestHeaders, target: string): void {
  const match = /^(https?):\/\/([^/?#]+)(.*)$/i.exec(target);
  const authority = match?.[2] ?? '';
  if (!match || !AUTHORITY.test(authority)) throw new HeadError(400, 'http1.invalid_url');
  const rest = match[3] ?? '';
  headers.scheme = (match[1] ?? 'http').toLowerCase();
  headers.authority = authority;
  headers.path = rest.startsWith('/') ? rest : `/${rest}`;
}

/** A response's head: `text` without its blank line. */
export function parseResponseHead(text: string, maximumHeaders: number): { readonly headers: ResponseHeaders; readonly facts: HeadFacts } {
  const lineEnd = lineEndOf(text);
  const match = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(text.slice(0, lineEnd));
  if (!match) throw new HeadError(502, 'http1.invalid_status_line');
  const headers = new ResponseHeaders();
  headers.status = Number(match[2]);
  const facts = newFacts(match[1] === '1' ? 1 : 0);
  parseFields(text, lineEnd + 2, headers, facts, maximumHeaders);
  if (facts.hosts > 0) headers.items.push('host', facts.host);
  checkFraming(headers, facts);
  return { headers, facts };
}

/** How the body of a request is framed. */
export function requestFraming(headers: RequestHeaders, facts: HeadFacts): BodyFraming {
  if (headers.method === 'CONNECT' || headers.upgrade !== '') return { kind: 'raw' };
  if (facts.chunked) return { kind: 'chunked' };
  return facts.contentLength > 0 ? { kind: 'length', length: facts.contentLength } : { kind: 'none' };
}

/** How the body of a response to `method` is framed. */
export function responseFraming(headers: ResponseHeaders, facts: HeadFacts, method: string): BodyFraming {
  const { status } = headers;
  if (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)) return { kind: 'raw' };
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304 || facts.contentLength === 0) return { kind: 'none' };
  if (facts.chunked) return { kind: 'chunked' };
  return facts.contentLength > 0 ? { kind: 'length', length: facts.contentLength } : { kind: 'close' };
}
