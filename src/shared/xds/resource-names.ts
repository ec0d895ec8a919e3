// Names of xDS resources as Istio builds them; an interoperable peer must reproduce them exactly.

/** A parsed cluster name `direction|port|subset|host`. */
export interface ClusterName {
  readonly direction: 'outbound' | 'inbound';
  readonly port: number;
  readonly subset: string;
  readonly host: string;
}

/** Cluster of traffic to the mesh's unknown destinations, which ends here. */
export const BLACK_HOLE_CLUSTER = 'BlackHoleCluster';
/** Cluster of traffic to where the client dialled. */
export const PASSTHROUGH_CLUSTER = 'PassthroughCluster';
/** Cluster of inbound traffic to a port that no service names. */
export const INBOUND_PASSTHROUGH_CLUSTER = 'InboundPassthroughCluster';
/** Cluster of traffic to a host that only DNS knows, for clients that name the host (explicit HTTP proxy). */
export const DYNAMIC_DNS_CLUSTER = 'AllowAnyDynamicDNSCluster';
/** The capture listeners. */
export const VIRTUAL_OUTBOUND = 'virtualOutbound';
export const VIRTUAL_INBOUND = 'virtualInbound';
/** Route configuration of the explicit HTTP proxy. */
export const HTTP_PROXY_ROUTE = 'http_proxy';
/** Internal listener (and the cluster that leads to it) for HTTP inside an explicit proxy's CONNECT tunnel. */
export const HTTP_PROXY_TUNNEL = 'http_proxy_tunnel';

/** Name of the cluster for a service port and subset. */
export function outboundClusterName(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** Name of the cluster for a workload's own port. */
export function inboundClusterName(targetPort: number): string {
  return `inbound|${targetPort}||`;
}

/** The same name in the form that fits in SNI. */
export function sniClusterName(host: string, port: number, subset = ''): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

/** The parts of a cluster name, or undefined when it is not of that form. */
export function parseClusterName(name: string): ClusterName | undefined {
  const [direction, port, subset, host, ...rest] = name.split('|');
  if (rest.length > 0 || subset === undefined || host === undefined || (direction !== 'outbound' && direction !== 'inbound')) return undefined;
  if (port === undefined || !/^\d{1,5}$/.test(port)) return undefined;
  return { direction, port: Number(port), subset, host };
}

/** Name of a listener that binds an address and a port. */
export function listenerName(bind: string, port: number): string {
  return `${bind}_${port}`;
}
