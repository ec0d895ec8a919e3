// Opens the connection of a health check: to the host's own address or the one meant for checks, with the TLS of the cluster.
import { openConnection, type ConnectDone } from '../../net/connect.ts';
import { InternalListeners } from '../../net/internal-listeners.ts';
import { PEER_EXCHANGE_PROTOCOL } from '../../net/peer-exchange.ts';
import type { AddressConfig, HealthCheckConfig } from '../../config/runtime-config.ts';
import type { CheckedCluster } from './checked-cluster.ts';
import type { Host } from '../host.ts';

const NO_LISTENERS = new InternalListeners();
const NOTHING = Buffer.alloc(0);
const NOBODY = { remoteAddress: '', identity: '', destination: '', keptSource: null };

/** Connects; returns the way to give up. */
export function openProbeConnection(config: HealthCheckConfig, host: Host, cluster: CheckedCluster, done: ConnectDone): () => void {
  const tls = cluster.tlsFor(host);
  const alpn = config.alpnProtocols.length > 0 ? config.alpnProtocols : tls?.config.alpnProtocols ?? [];
  return openConnection({
    address: checkedAddress(host, config.altPort), timeoutMilliseconds: cluster.config.connectTimeoutMilliseconds, tls, sni: tls?.config.sni ?? '',
    // A probe has no metadata to tell.
    alpn: alpn.filter((protocol) => protocol !== PEER_EXCHANGE_PROTOCOL),
    sourceAddresses: cluster.config.sourceAddresses, transparent: null, keepAliveSeconds: null, internal: NO_LISTENERS, exchangeMessage: NOTHING, peer: NOBODY,
  }, done);
}

function checkedAddress({ address, endpoint: { healthCheck } }: Host, altPort: number): AddressConfig {
  if (address.kind !== 'socket') return address;
  return { kind: 'socket', address: healthCheck?.address ?? address.address, port: healthCheck?.port || altPort || address.port };
}
