// The port of a service as a proxy talks to it. A gateway's clients choose their protocol by its certificate, not by what is behind it, so that a
// port without a declared protocol is HTTP/1.1 to a gateway, and HTTP/2 where a GRPCRoute leads to it; sidecars go on in their client's protocol.
import type { ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import { isDetected } from '../../model/protocol.ts';
import type { ProxyView } from '../proxy-view.ts';

/** The port with the protocol that the proxy uses. */
export function backendPort({ snapshot, proxy }: ProxyView, service: ServiceRecord, port: ServicePortRecord): ServicePortRecord {
  if (proxy.type !== 'router' || !isDetected(port.protocol)) return port;
  return { ...port, protocol: snapshot.grpcBackends.includes(`${service.host}:${port.number}`) ? 'grpc' : 'http' };
}
