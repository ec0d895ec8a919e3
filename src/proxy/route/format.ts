// Compiles header values with %COMMAND% operators (Envoy's custom request and response headers). Unknown commands are refused when the configuration
// is compiled. Pure.
import type { HeaderReader, StreamInfo } from '../stream/stream-info.ts';

/** Gives the value for one stream; the empty string when there is none. */
export type Formatter = (info: StreamInfo, request: HeaderReader | null, response: HeaderReader | null) => string;

type Part = string | Formatter;

/** Compiles `text`; throws when it holds an unknown operator. */
export function compileFormat(text: string): Formatter {
  if (!text.includes('%')) return () => text;
  const parts: Part[] = [];
  let position = 0;
  while (position < text.length) {
    const start = text.indexOf('%', position);
    if (start < 0) {
      parts.push(text.slice(position));
      break;
    }
    if (start > position) parts.push(text.slice(position, start));
    if (text[start + 1] === '%') {
      parts.push('%');
      position = start + 2;
      continue;
    }
    const match = /^%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::([0-9]+))?%/.exec(text.slice(start));
    if (!match) throw new Error(`header value '${text}' holds a '%' that starts no operator; write '%%' for a percent sign`);
    parts.push(limited(operator(match[1] ?? '', match[2] ?? ''), match[3]));
    position = start + match[0].length;
  }
  return (info, request, response) => {
    let value = '';
    for (const part of parts) value += typeof part === 'string' ? part : part(info, request, response);
    return value;
  };
}

function limited(formatter: Formatter, length: string | undefined): Formatter {
  if (length === undefined) return formatter;
  const maximum = Number(length);
  return (info, request, response) => formatter(info, request, response).slice(0, maximum);
}

function withoutPort(address: string): string {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? address : address.slice(0, colon).replace(/^\[|\]$/g, '');
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

const SIMPLE: Readonly<Record<string, (info: StreamInfo) => string>> = {
  PROTOCOL: (info) => info.protocol,
  RESPONSE_CODE: (info) => String(info.responseCode),
  RESPONSE_CODE_DETAILS: (info) => info.responseCodeDetails,
  RESPONSE_FLAGS: (info) => info.flags.join(','),
  ROUTE_NAME: (info) => info.routeName,
  REQUESTED_SERVER_NAME: (info) => info.connection.tls?.sni ?? '',
  START_TIME: (info) => new Date(info.startTime).toISOString(),
  UPSTREAM_HOST: (info) => info.upstreamHost,
  UPSTREAM_CLUSTER: (info) => info.upstreamCluster,
  UPSTREAM_REMOTE_ADDRESS: (info) => info.upstreamHost,
  DOWNSTREAM_REMOTE_ADDRESS: (info) => info.connection.remoteAddress,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => withoutPort(info.connection.remoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (info) => info.connection.remoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (info) => withoutPort(info.connection.remoteAddress),
  DOWNSTREAM_LOCAL_ADDRESS: (info) => info.connection.localAddress,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => withoutPort(info.connection.localAddress),
  DOWNSTREAM_LOCAL_PORT: (info) => portOf(info.connection.localAddress),
  DOWNSTREAM_PEER_URI_SAN: (info) => info.connection.tls?.peerUri ?? '',
  DOWNSTREAM_LOCAL_URI_SAN: (info) => info.connection.tls?.localUri ?? '',
  DOWNSTREAM_PEER_SUBJECT: (info) => info.connection.tls?.peerSubject ?? '',
  DOWNSTREAM_PEER_FINGERPRINT_256: (info) => info.connection.tls?.peerFingerprint ?? '',
  DOWNSTREAM_TLS_VERSION: (info) => info.connection.tls?.version ?? '',
  DOWNSTREAM_TLS_CIPHER: (info) => info.connection.tls?.cipher ?? '',
  BYTES_RECEIVED: (info) => String(info.bytesReceived),
  BYTES_SENT: (info) => String(info.bytesSent),
  CONNECTION_ID: (info) => String(info.connection.id),
};

function operator(command: string, argument: string): Formatter {
  const simple = SIMPLE[command];
  if (simple) return (info) => simple(info);
  const [first = '', second = ''] = argument.toLowerCase().split('?');
  if (command === 'REQ') return (_info, request) => request?.get(first) ?? (second === '' ? '' : request?.get(second)) ?? '';
  if (command === 'RESP') return (_info, _request, response) => response?.get(first) ?? (second === '' ? '' : response?.get(second)) ?? '';
  if (command === 'FILTER_STATE') return (info) => info.filterState.get(argument.split(':')[0] ?? '') ?? '';
  throw new Error(`header operator %${command}% is not known here; remove it from the header's value`);
}
