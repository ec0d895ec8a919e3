// The labels of Istio's standard metrics for one stream, from the point of view of the reporting proxy.
import type { IstioStatsConfig } from '../config/index.ts';
import { UNKNOWN_PEER } from '../stream/peer-metadata-codec.ts';
import type { HeaderReader, PeerMetadata, StreamInfo, TlsInfo } from '../stream/stream-info.ts';

/** Labels that every standard metric has, in the order in which Istio writes them. */
export const COMMON_LABELS = [
  'reporter', 'source_workload', 'source_canonical_service', 'source_canonical_revision', 'source_workload_namespace', 'source_principal', 'source_app', 'source_version', 'source_cluster',
  'destination_workload', 'destination_workload_namespace', 'destination_principal', 'destination_app', 'destination_version', 'destination_service', 'destination_canonical_service',
  'destination_canonical_revision', 'destination_service_name', 'destination_service_namespace', 'destination_cluster', 'request_protocol',
] as const;

/** Labels of HTTP metrics. */
export const HTTP_LABELS = [...COMMON_LABELS, 'response_code', 'grpc_response_status', 'response_flags', 'connection_security_policy'] as const;

/** Labels of TCP metrics. */
export const TCP_LABELS = [...COMMON_LABELS, 'response_flags', 'connection_security_policy'] as const;

const UNKNOWN = 'unknown';
/** Clusters that stand for "no service of the mesh": their name serves as the service's name. */
const CATCH_ALL = new Set(['BlackHoleCluster', 'PassthroughCluster', 'InboundPassthroughCluster', 'InboundPassthroughClusterIpv4', 'InboundPassthroughClusterIpv6']);

/** Values of HTTP_LABELS or TCP_LABELS. */
export function istioLabels(info: StreamInfo, requestHeaders: HeaderReader | null, config: IstioStatsConfig, local: PeerMetadata): readonly string[] {
  const inbound = config.reporter === 'destination';
  const source = inbound ? info.downstreamPeer ?? info.connection.peer : local;
  const destination = inbound ? local : info.upstreamPeer ?? endpointPeer(info.upstreamWorkload);
  const tls = inbound ? info.connection.tls : info.upstreamTls;
  const [sourcePrincipal, destinationPrincipal] = principals(tls, inbound);
  const service = destinationService(info, config);
  const from = source ?? UNKNOWN_PEER;
  const to = destination ?? UNKNOWN_PEER;
  const common = [
    config.reporter, known(from.workloadName), known(from.canonicalName), known(from.canonicalRevision), known(from.namespace), sourcePrincipal, known(from.app), known(from.version), known(from.clusterId),
    known(to.workloadName), known(to.namespace), destinationPrincipal, known(to.app), known(to.version), service.host, known(to.canonicalName),
    known(to.canonicalRevision), service.name, service.namespace === UNKNOWN ? known(to.namespace) : service.namespace, known(to.clusterId),
  ];
  const flags = info.flags.length === 0 ? '-' : info.flags.join(',');
  const policy = inbound ? (tls?.peerVerified === true ? 'mutual_tls' : 'none') : UNKNOWN;
  if (info.protocol === 'TCP') return [...common, 'tcp', flags, policy];
  const grpc = (requestHeaders?.get('content-type') ?? '').startsWith('application/grpc');
  return [...common, grpc ? 'grpc' : 'http', String(info.responseCode), grpc ? info.grpcStatus : '', flags, policy];
}

function known(value: string | undefined): string {
  return value === undefined || value === '' ? UNKNOWN : value;
}

/** The source's and the destination's identity, as the handshake told them. */
function principals(tls: TlsInfo | null, inbound: boolean): readonly [string, string] {
  if (!tls) return [UNKNOWN, UNKNOWN];
  return inbound ? [known(tls.peerUri), known(tls.localUri)] : [known(tls.localUri), known(tls.peerUri)];
}

/** What an endpoint's metadata says of its workload: `workload;namespace;canonical-name;canonical-revision;cluster`. */
function endpointPeer(text: string): PeerMetadata | null {
  if (text === '') return null;
  const [workloadName = '', namespace = '', canonicalName = '', canonicalRevision = '', clusterId = ''] = text.split(';');
  return { name: '', namespace, workloadName, clusterId, app: canonicalName, version: canonicalRevision, canonicalName, canonicalRevision };
}

function destinationService(info: StreamInfo, config: IstioStatsConfig): { readonly host: string; readonly name: string; readonly namespace: string } {
  if (info.destinationService && info.destinationService.host !== '') {
    const { host, name, namespace } = info.destinationService;
    return { host, name: known(name), namespace: known(namespace) };
  }
  const host = config.disableHostHeaderFallback || info.authority === '' ? UNKNOWN : info.authority.replace(/:\d+$/, '');
  if (CATCH_ALL.has(info.upstreamCluster)) return { host, name: info.upstreamCluster, namespace: UNKNOWN };
  return { host, name: host, namespace: UNKNOWN };
}
