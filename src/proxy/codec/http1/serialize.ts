// Writes heads of HTTP/1.1 messages as text. Values come from checked headers or from configuration; a line break in one would split the message,
// so such a header is left out.
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';

const REASONS: Readonly<Record<number, string>> = {
  100: 'Continue', 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content',
  301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect',
  400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 411: 'Length Required',
  413: 'Payload Too Large', 414: 'URI Too Long', 415: 'Unsupported Media Type', 417: 'Expectation Failed', 418: 'I\'m a teapot', 421: 'Misdirected Request', 422: 'Unprocessable Entity', 425: 'Too Early', 426: 'Upgrade Required', 429: 'Too Many Requests',
  431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
};

/** The usual phrase of a status. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown';
}

// A character that does not fit into a byte is cut down to one, and could become a line break.
const LINE_BREAK = /[\0\r\n]|[^\x00-\xff]/;

/** Lines that frame the message: the connections alone write them. */
function framesMessage(name: string): boolean {
  return (name.length === 17 && name === 'transfer-encoding') || (name.length === 10 && (name === 'connection' || name === 'keep-alive')) || name === 'upgrade' || name === 'proxy-connection';
}

function fields(headers: HeaderMap): string {
  const { items } = headers;
  let text = '';
  for (let index = 0; index < items.length; index += 2) {
    const name = items[index] ?? '';
    const value = items[index + 1] ?? '';
    if (name.charCodeAt(0) === 58 || LINE_BREAK.test(value) || framesMessage(name)) continue;
    // Piece by piece: a template first makes a string of its own for each field (bench/micro/request-parts.ts).
    text += name;
    text += ': ';
    text += value;
    text += '\r\n';
  }
  return text;
}

/** Whether trailers of `headers`' message go out even to a peer that did not ask for them: gRPC has its status there. */
export function alwaysSendsTrailers(headers: HeaderMap): boolean {
  return (headers.get('content-type') ?? '').startsWith('application/grpc');
}

/** The end of a chunked body: last chunk, trailers, blank line. */
export function lastChunk(trailers: HeaderMap | null): string {
  return trailers === null ? '0\r\n\r\n' : `0\r\n${fields(trailers)}\r\n`;
}

/** Status line, headers and `extra` lines of a response. */
export function responseHead(headers: ResponseHeaders, extra: string): string {
  const { status } = headers;
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Unknown'}\r\n${fields(headers)}${extra}\r\n`;
}

/** Request line, Host, headers and `extra` lines of a request. */
export function requestHead(headers: RequestHeaders, extra: string): string {
  const target = headers.method === 'CONNECT' && headers.path === '' ? headers.authority : headers.path;
  return `${headers.method} ${target} HTTP/1.1\r\nhost: ${headers.authority}\r\n${fields(headers)}${extra}\r\n`;
}
