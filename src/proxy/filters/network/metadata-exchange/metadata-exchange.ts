// Istio's exchange of workload metadata on accepted TCP connections: reads what the client's proxy says of its workload and answers with ours.
import type { MetadataExchangeConfig } from '../../../config/filter-config.ts';
import { peerExchangeMessage, readPeerExchange } from '../../../net/peer-exchange.ts';
import type { NetworkFilter, NetworkFilterPlace } from '../api.ts';

/** A client that agreed on the exchange and sends nothing is not waited for any longer. */
const EXCHANGE_MILLISECONDS = 15_000;

/** Makes the filter. */
export function metadataExchangeFilter(config: MetadataExchangeConfig, { services }: NetworkFilterPlace): NetworkFilter {
  const message = peerExchangeMessage(services.localWorkload);
  return {
    onConnection(connection, next) {
      const { socket, info } = connection;
      if (info.tls?.alpn !== config.alpnProtocol) {
        next();
        return;
      }
      const timer = setTimeout(() => socket.destroy(), EXCHANGE_MILLISECONDS);
      readPeerExchange(socket, (peer) => {
        clearTimeout(timer);
        if (peer === null) {
          socket.destroy();
          return;
        }
        info.peer = peer;
        socket.write(message);
        next();
      });
    },
  };
}
