// A connected proxy as translation sees it, and its parser from the xDS node (Istio's node id and metadata conventions).
// Called by the ADS server on the first message of a stream, and by offline tools.
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';

/** The fields of an xDS node that are read here; the generated `Node` message fits. */
export interface NodeIdentity {
  readonly id?: string | undefined;
  readonly cluster?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly locality?: { readonly region?: string | undefined; readonly zone?: string | undefined; readonly subZone?: string | undefined } | undefined;
}

/** What capture a proxy runs under. */
export type InterceptionMode = 'REDIRECT' | 'TPROXY' | 'NONE';

/** Node metadata in parsed form. */
export interface ProxyMetadata {
  readonly interceptionMode: InterceptionMode;
  /** Port of the explicit HTTP proxy on loopback; absent when there is none. */
  readonly httpProxyPort?: number;
  /** Whether inbound listeners bind the pod's address (capture mode NONE). */
  readonly bindInbound: boolean;
  readonly clusterId: string;
  readonly meshId: string;
  readonly network: string;
  /** The node it runs on; empty when it does not say. */
  readonly nodeName: string;
  readonly istioVersion: string;
  readonly revision: string;
  /** Whether an unprivileged pod moves listener ports below 1024. */
  readonly unprivilegedPod: boolean;
  /** Whether the proxy answers the pod's DNS queries, and so gets the table of names. */
  readonly dnsCapture: boolean;
  /** Whether hosts of ServiceEntries without an address get one of their own; only DNS capture makes clients use it. */
  readonly dnsAutoAllocate: boolean;
  /** Per-pod overlay of the mesh's ProxyConfig, as the agent sent it. */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
}

/** A connected proxy. */
export interface ProxyDescription {
  /** `pod.namespace`. */
  readonly id: string;
  readonly type: 'sidecar' | 'router';
  readonly ipAddresses: readonly string[];
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workloadName: string;
  /** `region/zone/subzone`. */
  readonly locality: string;
  readonly metadata: ProxyMetadata;
  /** For example `bookinfo.svc.cluster.local`. */
  readonly dnsDomain: string;
  /** Whether it is our own proxy, which understands Istio's extension filters. */
  readonly isMizzen: boolean;
}

/** The proxy that an xDS node describes, or why the node can not be served. */
export function parseProxyDescription(node: NodeIdentity): Result<ProxyDescription, Issue[]> {
  const parts = (node.id ?? '').split('~');
  const [type = '', address = '', id = '', dnsDomain = ''] = parts;
  if (parts.length !== 4) {
    return err([errorIssue('MESH_NODE_ID', 'node.id', `The node id ${JSON.stringify(node.id ?? '')} does not have the form type~ip~pod.namespace~domain. Set it as Istio's agent does.`)]);
  }
  if (type !== 'sidecar' && type !== 'router') {
    return err([errorIssue('MESH_NODE_TYPE', 'node.id', `Proxies of type ${JSON.stringify(type)} are not served. Connect as sidecar or router.`)]);
  }
  const metadata = node.metadata ?? {};
  const addresses = [address, ...text(metadata, 'INSTANCE_IPS').split(',')].map((item) => item.trim()).filter((item) => item !== '');
  if (addresses.length === 0) return err([errorIssue('MESH_NODE_ADDRESS', 'node.id', 'The node id holds no IP address. Set the second part to the pod IP.')]);
  const namespace = text(metadata, 'NAMESPACE') || id.split('.').slice(1).join('.');
  if (namespace === '') return err([errorIssue('MESH_NODE_NAMESPACE', 'node.metadata.NAMESPACE', 'The node names no namespace. Send metadata NAMESPACE or an id of the form pod.namespace.')]);
  const { region = '', zone = '', subZone = '' } = node.locality ?? {};
  return ok({
    id,
    type,
    ipAddresses: [...new Set(addresses)],
    namespace,
    serviceAccount: text(metadata, 'SERVICE_ACCOUNT') || 'default',
    labels: labelsOf(metadata),
    workloadName: text(metadata, 'WORKLOAD_NAME'),
    locality: [region, zone, subZone].join('/').replace(/\/+$/, ''),
    metadata: parseMetadata(metadata),
    dnsDomain,
    isMizzen: text(metadata, 'MIZZEN_VERSION') !== '' || text(metadata, 'PROXY_IMPLEMENTATION') === 'mizzen',
  });
}

function parseMetadata(metadata: Readonly<Record<string, unknown>>): ProxyMetadata {
  const mode = text(metadata, 'INTERCEPTION_MODE');
  const httpProxyPort = Number.parseInt(text(metadata, 'HTTP_PROXY_PORT'), 10);
  const proxyConfig = metadata['PROXY_CONFIG'];
  return {
    interceptionMode: mode === 'NONE' || mode === 'TPROXY' ? mode : 'REDIRECT',
    ...(httpProxyPort > 0 && httpProxyPort < 65536 ? { httpProxyPort } : {}),
    bindInbound: flag(metadata, 'BIND_INBOUND'),
    clusterId: text(metadata, 'CLUSTER_ID') || 'Kubernetes',
    meshId: text(metadata, 'MESH_ID'),
    network: text(metadata, 'NETWORK'),
    nodeName: text(metadata, 'NODE_NAME'),
    istioVersion: text(metadata, 'ISTIO_VERSION'),
    revision: text(metadata, 'ISTIO_REVISION'),
    dnsCapture: flag(metadata, 'DNS_CAPTURE'),
    dnsAutoAllocate: flag(metadata, 'DNS_CAPTURE') && (text(metadata, 'DNS_AUTO_ALLOCATE') === '' || flag(metadata, 'DNS_AUTO_ALLOCATE')),
    unprivilegedPod: flag(metadata, 'UNPRIVILEGED_POD'),
    proxyConfig: typeof proxyConfig === 'object' && proxyConfig !== null ? (proxyConfig as Record<string, unknown>) : {},
  };
}

/** Labels come as an object; static ones (from bootstrap) yield to the pod's. */
function labelsOf(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const source of [metadata['STATIC_LABELS'], metadata['LABELS']]) {
    if (typeof source !== 'object' || source === null) continue;
    for (const [key, value] of Object.entries(source)) if (typeof value === 'string') labels[key] = value;
  }
  return labels;
}

function text(metadata: Readonly<Record<string, unknown>>, key: string): string {
  const value = metadata[key];
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Metadata booleans travel as strings. */
function flag(metadata: Readonly<Record<string, unknown>>, key: string): boolean {
  return ['true', '1'].includes(text(metadata, key).toLowerCase());
}
