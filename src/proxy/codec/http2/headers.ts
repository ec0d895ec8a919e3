// Between our headers and those of node:http2. What HTTP/1.1 allows and HTTP/2 forbids (RFC 9113 section 8.2.2) is gone before it gets here: the codecs keep
// connection headers to themselves.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';

const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'host']);
const BAD_VALUE = /[\0\r\n]|[^\x00-\xff]/;

function fill(target: HeaderMap, raw: readonly string[]): void {
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (name.charCodeAt(0) !== 58 && !CONNECTION_HEADERS.has(name)) target.items.push(name, raw[index + 1] ?? '');
  }
}

/** Headers of a request that came in. */
export function readRequest(headers: IncomingHttpHeaders, raw: readonly string[]): RequestHeaders {
  const request = new RequestHeaders();
  request.method = String(headers[':method'] ?? '');
  request.path = String(headers[':path'] ?? '');
  request.authority = String(headers[':authority'] ?? headers.host ?? '');
  request.scheme = String(headers[':scheme'] ?? 'http');
  const protocol = headers[':protocol'];
  if (typeof protocol === 'string') request.upgrade = protocol;
  fill(request, raw);
  return request;
}

/** Headers of a response that came in. */
export function readResponse(headers: IncomingHttpHeaders, raw: readonly string[] | undefined): ResponseHeaders {
  const response = new ResponseHeaders();
  response.status = Number(headers[':status'] ?? 0);
  fill(response, raw ?? flatten(headers));
  return response;
}

/** Trailers that came in. */
export function readTrailers(headers: IncomingHttpHeaders): HeaderMap {
  const trailers = new HeaderMap();
  fill(trailers, flatten(headers));
  return trailers;
}

function flatten(headers: IncomingHttpHeaders): string[] {
  const raw: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [String(value)]) raw.push(name, one);
  }
  return raw;
}

/** Headers for node:http2; several values of a name become one, except set-cookie. */
export function writeHeaders(headers: HeaderMap, pseudo: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const { items } = headers;
  const out = pseudo as Record<string, string | number | string[] | undefined>;
  for (let index = 0; index < items.length; index += 2) {
    const name = items[index] ?? '';
    const value = items[index + 1] ?? '';
    if (name.charCodeAt(0) === 58 || CONNECTION_HEADERS.has(name) || BAD_VALUE.test(value)) continue;
    const present = out[name];
    if (name === 'set-cookie') out[name] = Array.isArray(present) ? [...present, value] : [value];
    else if (present === undefined) out[name] = value;
    else out[name] = `${String(present)}${name === 'cookie' ? '; ' : ','}${value}`;
  }
  return out;
}

/** Pseudo-headers and headers of a request. */
export function writeRequest(headers: RequestHeaders): OutgoingHttpHeaders {
  const pseudo: OutgoingHttpHeaders = { ':method': headers.method, ':authority': headers.authority };
  if (headers.method !== 'CONNECT' || headers.upgrade !== '') {
    pseudo[':scheme'] = headers.scheme;
    pseudo[':path'] = headers.path;
  }
  if (headers.upgrade !== '') {
    pseudo[':method'] = 'CONNECT';
    pseudo[':protocol'] = headers.upgrade;
  }
  return writeHeaders(headers, pseudo);
}
