// The original probes of the pod's containers (ISTIO_KUBE_APP_PROBERS), which the agent executes under /app-health and /app-lifecycle.

/** An HTTP probe. */
export interface HttpProbe {
  readonly kind: 'http';
  readonly path: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  /** Host to connect to; empty for the app. */
  readonly host: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMilliseconds: number;
}

/** A probe that connects. */
export interface TcpProbe {
  readonly kind: 'tcp';
  readonly port: number;
  readonly timeoutMilliseconds: number;
}

/** A probe by grpc.health.v1. */
export interface GrpcProbe {
  readonly kind: 'grpc';
  readonly port: number;
  readonly service: string;
  readonly timeoutMilliseconds: number;
}

/** One original probe. */
export type AppProbe = HttpProbe | TcpProbe | GrpcProbe;

type Fields = Readonly<Record<string, unknown>>;

/** The probes by their path (`/app-health/details/readyz`). Throws with a plain message when the JSON is malformed. */
export function parseAppProbers(text: string): Readonly<Record<string, AppProbe>> {
  if (text.trim() === '') return {};
  const probes: Record<string, AppProbe> = {};
  for (const [path, value] of Object.entries(fieldsOf(JSON.parse(text)))) {
    if (!/^\/app-(health|lifecycle)\/[^/]+\/(livez|readyz|startupz|prestopz|poststartz)$/.test(path)) throw new Error(`ISTIO_KUBE_APP_PROBERS: unexpected path ${JSON.stringify(path)}`);
    probes[path] = probe(path, fieldsOf(value));
  }
  return probes;
}

function probe(path: string, fields: Fields): AppProbe {
  const timeoutMilliseconds = Number(fields['timeoutSeconds'] ?? 1) * 1000 || 1000;
  if (fields['httpGet'] !== undefined) return httpProbe(path, fieldsOf(fields['httpGet']), timeoutMilliseconds);
  if (fields['tcpSocket'] !== undefined) return { kind: 'tcp', port: portOf(path, fieldsOf(fields['tcpSocket'])), timeoutMilliseconds };
  if (fields['grpc'] !== undefined) {
    const grpc = fieldsOf(fields['grpc']);
    return { kind: 'grpc', port: portOf(path, grpc), service: String(grpc['service'] ?? ''), timeoutMilliseconds };
  }
  throw new Error(`ISTIO_KUBE_APP_PROBERS: ${path} has none of httpGet, tcpSocket and grpc`);
}

function httpProbe(path: string, fields: Fields, timeoutMilliseconds: number): HttpProbe {
  const headers: unknown[] = Array.isArray(fields['httpHeaders']) ? fields['httpHeaders'] : [];
  const target = String(fields['path'] ?? '/');
  return {
    kind: 'http',
    path: target.startsWith('/') ? target : `/${target}`,
    port: portOf(path, fields),
    scheme: String(fields['scheme'] ?? 'HTTP').toUpperCase() === 'HTTPS' ? 'https' : 'http',
    host: String(fields['host'] ?? ''),
    headers: headers.map(fieldsOf).map((header) => ({ name: String(header['name'] ?? ''), value: String(header['value'] ?? '') })),
    timeoutMilliseconds,
  };
}

function portOf(path: string, fields: Fields): number {
  const port = Number(fields['port']);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`ISTIO_KUBE_APP_PROBERS: ${path} has no port number`);
  return port;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
