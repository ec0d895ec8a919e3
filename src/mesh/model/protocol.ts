// The protocol of a service port: appProtocol first, then the prefix of the port's name, else detection (Istio's protocol selection).
import type { Protocol } from './records.ts';

const KNOWN: Readonly<Record<string, Protocol>> = {
  tcp: 'tcp', udp: 'unsupported', grpc: 'grpc', 'grpc-web': 'grpc-web', http: 'http', http2: 'http2', https: 'https', tls: 'tls',
  mongo: 'mongo', redis: 'redis', mysql: 'mysql', http_proxy: 'http',
  'kubernetes.io/h2c': 'http2', 'kubernetes.io/ws': 'http', 'kubernetes.io/wss': 'https',
};

/** Ports where the server speaks first, so that detection would wait for ever. */
const SERVER_FIRST_PORTS: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** The protocol of a port. */
export function selectProtocol(name: string, port: number, transport: string | undefined, appProtocol: string | undefined): Protocol {
  if (transport !== undefined && transport !== 'TCP') return 'unsupported';
  const declared = KNOWN[(appProtocol ?? '').toLowerCase()];
  if (declared) return declared;
  const lower = name.toLowerCase();
  if (lower === 'grpc-web' || lower.startsWith('grpc-web-')) return 'grpc-web';
  const named = KNOWN[lower.split('-', 1)[0] ?? ''];
  if (named) return named;
  return SERVER_FIRST_PORTS.has(port) ? 'tcp' : 'auto';
}

/** The protocol that a ServiceEntry or Gateway port declares. */
export function declaredProtocol(protocol: string | undefined): Protocol {
  return KNOWN[(protocol ?? '').toLowerCase().replace('_', '-')] ?? KNOWN[(protocol ?? '').toLowerCase()] ?? (protocol ? 'unsupported' : 'auto');
}

/** Whether requests of the protocol can be routed one by one. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';
}

/** Whether the protocol is HTTP/2 between proxies and applications. */
export function isHttp2(protocol: Protocol): boolean {
  return protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';
}

/** Whether the first bytes decide: HTTP when they look like it, else TCP. */
export function isDetected(protocol: Protocol): boolean {
  return protocol === 'auto';
}

/** Whether the application itself speaks TLS on the port. */
export function isTls(protocol: Protocol): boolean {
  return protocol === 'https' || protocol === 'tls';
}
