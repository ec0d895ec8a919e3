// Chooses the ALPN protocols offered to a mesh upstream by the protocol that it will be asked in, so that the other proxy can tell mesh HTTP from plain. Offering the
// client's protocol instead would have the peer expect HTTP/2 where the cluster speaks HTTP/1.1.
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import { setFilterState } from '../../../stream/create-stream-info.ts';
import type { FilterServices } from '../../services.ts';
import type { HttpFilterInstance, StreamCallbacks } from '../api.ts';

/** Key of filter state that the router reads. */
const ALPN_STATE = 'envoy.network.application_protocols';

/** Makes the filter. */
export function istioAlpnFilter(config: Extract<HttpFilterConfig, { kind: 'istio_alpn' }>, services: FilterServices): HttpFilterInstance {
  const byProtocol = { 'HTTP/1.0': config.http10.join(), 'HTTP/1.1': config.http11.join(), 'HTTP/2': config.http2.join(), TCP: '' };
  return (callbacks) => ({
    decodeHeaders: () => {
      const protocols = byProtocol[upstreamProtocol(callbacks, services)];
      if (protocols !== '') setFilterState(callbacks.info, ALPN_STATE, protocols);
      return 'continue';
    },
  });
}

function upstreamProtocol(callbacks: StreamCallbacks, services: FilterServices): StreamCallbacks['info']['protocol'] {
  const cluster = services.clusters.get(callbacks.route()?.cluster?.config.name ?? '');
  switch (cluster?.config.protocol.http) {
    case 'http1': return callbacks.info.protocol === 'HTTP/1.0' ? 'HTTP/1.0' : 'HTTP/1.1';
    case 'http2': return 'HTTP/2';
    default: return callbacks.info.protocol;
  }
}
