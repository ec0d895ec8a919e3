// Chooses the ALPN protocols offered to a mesh upstream by the downstream's protocol, so that the other proxy can tell mesh HTTP from plain.
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import { setFilterState } from '../../../stream/create-stream-info.ts';
import type { HttpFilterInstance } from '../api.ts';

/** Key of filter state that the router reads. */
const ALPN_STATE = 'envoy.network.application_protocols';

/** Makes the filter. */
export function istioAlpnFilter(config: Extract<HttpFilterConfig, { kind: 'istio_alpn' }>): HttpFilterInstance {
  const byProtocol = { 'HTTP/1.0': config.http10.join(), 'HTTP/1.1': config.http11.join(), 'HTTP/2': config.http2.join(), TCP: '' };
  return (callbacks) => {
    const protocols = byProtocol[callbacks.info.protocol];
    if (protocols !== '') setFilterState(callbacks.info, ALPN_STATE, protocols);
    return null;
  };
}
