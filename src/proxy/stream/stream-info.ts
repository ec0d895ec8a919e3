// What is known of one downstream stream (an HTTP request or a TCP connection) while it lives and when it has ended.
// Filters write it; telemetry reads it at the end and is the only reader of most fields.
import type { RouteEntryConfig } from '../config/route-config.ts';

/** Envoy's response flags, in the form access logs print. */
export type ResponseFlag =
  | 'UH' | 'UF' | 'UO' | 'NR' | 'URX' | 'NC' | 'DT' | 'DC' | 'LH' | 'UT' | 'LR' | 'UR' | 'UC' | 'DI' | 'FI' | 'RL' | 'UAEX' | 'RLSE' | 'IH' | 'SI' | 'DPE' | 'UPE' | 'UMSDR' | 'OM' | 'DF';

/** The workload on the other side, as it told by metadata exchange. All parts may be empty. */
export interface PeerMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly workloadName: string;
  readonly clusterId: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
}

/** Facts of the connection that carries the stream. */
export interface ConnectionInfo {
  readonly id: number;
  readonly listenerName: string;
  readonly direction: 'inbound' | 'outbound' | 'unspecified';
  /** Downstream peer as `address:port`. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly startMilliseconds: number;
  readonly tls: TlsInfo | null;
  /** Address and mark of upstream connections that keep the client's address; null for our own. */
  readonly keptSource: { readonly address: string; readonly mark: number } | null;
  /** Learned by TCP metadata exchange. */
  peer: PeerMetadata | null;
}

/** Facts of a finished TLS handshake. */
export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly sni: string;
  readonly alpn: string;
  /** The peer presented a certificate that the roots vouch for. */
  readonly peerVerified: boolean;
  /** First URI SAN of the peer's certificate, empty when none. */
  readonly peerUri: string;
  readonly peerUris: readonly string[];
  readonly peerDnsNames: readonly string[];
  readonly peerSubject: string;
  /** SHA-256 of the peer's certificate, lower-case hex. */
  readonly peerFingerprint: string;
  readonly peerCertificatePem: string;
  /** URI SAN of our own certificate. */
  readonly localUri: string;
}

/** The stream's record. Times are milliseconds of a monotonic clock; 0 means not reached. */
export interface StreamInfo {
  readonly connection: ConnectionInfo;
  readonly startMilliseconds: number;
  /** Wall clock at the start, milliseconds since 1970. */
  readonly startTime: number;
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | 'TCP';
  requestEndMilliseconds: number;
  firstUpstreamByteMilliseconds: number;
  endMilliseconds: number;
  bytesReceived: number;
  bytesSent: number;
  method: string;
  authority: string;
  path: string;
  /** Path before rewriting, empty when unchanged. */
  originalPath: string;
  requestId: string;
  responseCode: number;
  responseCodeDetails: string;
  grpcStatus: string;
  flags: ResponseFlag[];
  route: RouteEntryConfig | null;
  routeName: string;
  upstreamCluster: string;
  /** `address:port` of the endpoint that was asked last. */
  upstreamHost: string;
  upstreamLocalAddress: string;
  upstreamTransportFailure: string;
  upstreamTls: TlsInfo | null;
  /** Istio metadata of that endpoint: `workload;namespace;canonical-name;canonical-revision;cluster`. */
  upstreamWorkload: string;
  destinationService: { readonly host: string; readonly name: string; readonly namespace: string } | null;
  attempts: number;
  /** Metadata of the downstream and the upstream workload, from their headers. */
  downstreamPeer: PeerMetadata | null;
  upstreamPeer: PeerMetadata | null;
  /** Trace state when the request is traced. */
  trace: { readonly traceId: string; readonly spanId: string; readonly parentSpanId: string; readonly sampled: boolean } | null;
  /** What filters found out about the request, JSON by the filter's namespace (Envoy's dynamic metadata); written by `setDynamicMetadata` alone. */
  dynamicMetadata: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** What filters tell each other; written by `setFilterState` alone. */
  filterState: ReadonlyMap<string, string>;
}

/** Learns of a stream's end; statistics, access log and tracing are observers. */
export interface StreamObserver {
  /** A TCP connection has been taken; its end follows by `onStreamEnd`. */
  onConnectionStart?(info: StreamInfo): void;
  /** `requestHeaders` and `responseHeaders` are as the downstream sent and got them; null for TCP. */
  onStreamEnd(info: StreamInfo, requestHeaders: HeaderReader | null, responseHeaders: HeaderReader | null): void;
}

/** Read access to headers by lower-case name; several values are joined with a comma. */
export interface HeaderReader {
  get(name: string): string | undefined;
}
