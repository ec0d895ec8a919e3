// Makes messages of decoded header blocks by the rules of RFC 9113 sections 8.2, 8.3 and 8.5 and RFC 8441: whatever could be read differently after a translation to HTTP/1.1 is refused. Used by
// the streams of both sides.
import { isAuthority } from '../../../shared/lib/index.ts';
import { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';

/** A message, and what it says of its content. */
export interface ReadMessage<H> {
  readonly headers: H;
  /** -1 when it is not told. */
  readonly contentLength: number;
  readonly expectsContinue: boolean;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_TARGET = /[^\x21-\x7e]/;
const PORT = /:[0-9]{1,5}$/;
const CONNECTION_HEADERS: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']);
const FORBIDDEN_TRAILERS = new Set(['content-length', 'host', 'te', 'authorization', 'cookie', 'set-cookie', 'trailer']);

/** What is read beside the headers; one object for all, as each message is read at once. */
const read = { isRequest: false, contentLength: -1, host: '', hosts: 0, cookie: -1, expectsContinue: false, problem: '' };

function begin(isRequest: boolean): void {
  read.isRequest = isRequest;
  read.contentLength = -1;
  read.host = '';
  read.hosts = 0;
  read.cookie = -1;
  read.expectsContinue = false;
  read.problem = '';
}

/** Takes the fields from `start` into `headers`; false when the message is malformed. */
function takeFields(fields: readonly string[], start: number, headers: HeaderMap): boolean {
  const { items } = headers;
  for (let index = start; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const value = fields[index + 1] ?? '';
    const special = SPECIAL.get(name);
    if (special === undefined) {
      if (name.charCodeAt(0) === 58) return refuse('http2.invalid_pseudo_header');
      items.push(name, value);
    } else if (special(value, items)) items.push(name, value);
    else if (read.problem !== '') return false;
  }
  return true;
}

/** Fields that say something of the message; each tells whether it stays among the headers. */
const SPECIAL: ReadonlyMap<string, (value: string, items: string[]) => boolean> = new Map<string, (value: string, items: string[]) => boolean>([
  ...[...CONNECTION_HEADERS].map((name) => [name, () => refuse('http2.connection_header')] as const),
  ['te', (value) => value === 'trailers' || refuse('http2.invalid_te')],
  ['content-length', (value) => {
    if (read.contentLength >= 0 || !/^[0-9]{1,15}$/.test(value)) return refuse('http2.invalid_content_length');
    read.contentLength = Number(value);
    return true;
  }],
  ['host', (value) => {
    if (!read.isRequest) return true;
    read.hosts += 1;
    read.host = value;
    return false;
  }],
  // A client may cut its cookie into pieces; other protocols know one (section 8.2.3).
  ['cookie', (value, items) => {
    if (read.cookie < 0) {
      read.cookie = items.length + 1;
      return true;
    }
    items[read.cookie] = `${items[read.cookie] ?? ''}; ${value}`;
    return false;
  }],
  ['expect', (value) => {
    if (!read.isRequest || value.toLowerCase() !== '100-continue') return true;
    read.expectsContinue = true;
    return false;
  }],
]);

function refuse(problem: string): false {
  read.problem = problem;
  return false;
}

function message<H>(headers: H): ReadMessage<H> {
  return { headers, contentLength: read.contentLength, expectsContinue: read.expectsContinue };
}

/** A request; a text says why it is none. */
export function readRequest(fields: readonly string[], takesConnectProtocol: boolean): ReadMessage<RequestHeaders> | string {
  begin(true);
  const headers = new RequestHeaders();
  let seen = 0;
  let index = 0;
  let protocol = '';
  for (; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name.charCodeAt(0) !== 58) break;
    const value = fields[index + 1] ?? '';
    let bit: number;
    switch (name) {
      case ':method': bit = 1; headers.method = value; break;
      case ':path': bit = 2; headers.path = value; break;
      case ':scheme': bit = 4; headers.scheme = value; break;
      case ':authority': bit = 8; headers.authority = value; break;
      case ':protocol': bit = 16; protocol = value; break;
      default: return 'http2.invalid_pseudo_header';
    }
    if ((seen & bit) !== 0) return 'http2.duplicate_pseudo_header';
    seen |= bit;
  }
  if (!takeFields(fields, index, headers)) return read.problem;
  const problem = checkTarget(headers, seen, takesConnectProtocol) || checkAuthority(headers, seen);
  if (problem !== '') return problem;
  if ((seen & 16) !== 0) {
    if (!METHOD.test(protocol)) return 'http2.invalid_protocol';
    startUpgrade(headers, protocol);
  }
  return message(headers);
}

function checkTarget(headers: RequestHeaders, seen: number, takesConnectProtocol: boolean): string {
  const { method, path, scheme } = headers;
  if ((seen & 1) === 0 || !METHOD.test(method)) return 'http2.invalid_method';
  if (method === 'CONNECT' && (seen & 16) === 0) {
    if ((seen & 6) !== 0) return 'http2.connect_with_path';
    headers.path = '';
    return (seen & 8) !== 0 && PORT.test(headers.authority) ? '' : 'http2.invalid_connect_target';
  }
  if ((seen & 16) !== 0 && (method !== 'CONNECT' || !takesConnectProtocol || (seen & 8) === 0)) return 'http2.unexpected_protocol';
  if ((seen & 6) !== 6) return 'http2.missing_pseudo_header';
  if (scheme !== 'http' && scheme !== 'https') return 'http2.invalid_scheme';
  if (path.charCodeAt(0) !== 47 && !(path === '*' && method === 'OPTIONS')) return 'http2.invalid_path';
  return BAD_TARGET.test(path) ? 'http2.invalid_path' : '';
}

function checkAuthority(headers: RequestHeaders, seen: number): string {
  if (read.hosts > 1) return 'http2.duplicate_host';
  if ((seen & 8) === 0) headers.authority = read.host;
  else if (read.hosts === 1 && read.host !== headers.authority && read.host.toLowerCase() !== headers.authority.toLowerCase()) return 'http2.host_differs_from_authority';
  return !isAuthority(headers.authority) || headers.authority.includes('@') ? 'http2.invalid_authority' : '';
}

/** An extended CONNECT becomes what HTTP/1.1 says in its place: filters and routes know that form alone. */
function startUpgrade(headers: RequestHeaders, protocol: string): void {
  headers.method = 'GET';
  headers.upgrade = protocol.toLowerCase();
}

/** A response; a text says why it is none. */
export function readResponse(fields: readonly string[]): ReadMessage<ResponseHeaders> | string {
  begin(false);
  const status = fields[1] ?? '';
  if (fields[0] !== ':status' || !/^[1-5][0-9][0-9]$/.test(status) || status === '101') return 'http2.invalid_status';
  const headers = new ResponseHeaders();
  headers.status = Number(status);
  return takeFields(fields, 2, headers) ? message(headers) : read.problem;
}

/** Trailers; a text says why they are none. What may not stand there is dropped. */
export function readTrailers(fields: readonly string[]): HeaderMap | string {
  const trailers = new HeaderMap();
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name.charCodeAt(0) === 58) return 'http2.pseudo_header_in_trailers';
    if (CONNECTION_HEADERS.has(name)) return 'http2.connection_header';
    if (!FORBIDDEN_TRAILERS.has(name)) trailers.items.push(name, fields[index + 1] ?? '');
  }
  return trailers;
}
