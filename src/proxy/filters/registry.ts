// Which configuration makes which filter. An explicit list: a filter never registers itself.
import type { HttpFilterConfig } from '../config/filter-config.ts';
import type { FilterChainConfig } from '../config/runtime-config.ts';
import type { HttpFilterInstance } from './http/api.ts';
import { bufferFilter } from './http/buffer/buffer.ts';
import { corsFilter } from './http/cors/cors.ts';
import { csrfFilter } from './http/csrf/csrf.ts';
import { extAuthzFilter } from './http/ext-authz/ext-authz.ts';
import { faultFilter } from './http/fault/fault.ts';
import { grpcStatsFilter } from './http/grpc-stats/grpc-stats.ts';
import { headerMutationFilter } from './http/header-mutation/header-mutation.ts';
import { healthCheckFilter } from './http/health-check/health-check.ts';
import { istioAlpnFilter } from './http/istio-alpn/istio-alpn.ts';
import { jwtAuthnFilter } from './http/jwt-authn/jwt-authn.ts';
import { localRateLimitFilter } from './http/local-ratelimit/local-ratelimit.ts';
import { peerMetadataFilter } from './http/peer-metadata/peer-metadata.ts';
import { rateLimitFilter } from './http/ratelimit/ratelimit.ts';
import { rbacFilter } from './http/rbac/rbac.ts';
import { routerFilter } from './http/router/router.ts';
import { statefulSessionFilter } from './http/stateful-session/stateful-session.ts';
import type { NetworkFilter, NetworkFilterPlace } from './network/api.ts';
import { networkExtAuthzFilter } from './network/ext-authz/ext-authz.ts';
import { httpConnectionManager } from './network/http-connection-manager/connection-manager.ts';
import { metadataExchangeFilter } from './network/metadata-exchange/metadata-exchange.ts';
import { networkRbacFilter } from './network/rbac/rbac.ts';
import { tcpProxyFilter } from './network/tcp-proxy/tcp-proxy.ts';
import type { FilterServices } from './services.ts';

/** Compiles one HTTP filter, whose statistics start with `statPrefix`; null when it does nothing on the request's path (metrics are observers). */
function createHttpFilter(config: HttpFilterConfig, services: FilterServices, statPrefix: string): HttpFilterInstance | null {
  switch (config.kind) {
    case 'router': return routerFilter(services);
    case 'fault': return faultFilter(config, services);
    case 'cors': return corsFilter(config);
    case 'jwt_authn': return jwtAuthnFilter(config, services, statPrefix);
    case 'rbac': return rbacFilter(config, services);
    case 'peer_metadata': return peerMetadataFilter(config, services);
    case 'istio_alpn': return istioAlpnFilter(config, services);
    case 'grpc_stats': return grpcStatsFilter(config);
    case 'local_ratelimit': return localRateLimitFilter(config, services);
    case 'ext_authz': return extAuthzFilter(config, services, statPrefix);
    case 'buffer': return bufferFilter(config);
    case 'csrf': return csrfFilter(config, services, statPrefix);
    case 'header_mutation': return headerMutationFilter(config);
    case 'health_check': return healthCheckFilter(config, services);
    case 'ratelimit': return rateLimitFilter(config, services);
    case 'stateful_session': return statefulSessionFilter(config);
    case 'istio_stats': return null;
    case 'discovered': throw new Error(`filter ${config.name} has no configuration in its place`);
  }
}

/** Compiles the network filters of a chain; throws when one cannot be made. */
export function createNetworkFilters(chain: FilterChainConfig, place: NetworkFilterPlace): NetworkFilter[] {
  const filters = chain.filters.map((config) => {
    switch (config.kind) {
      case 'http_connection_manager':
        return httpConnectionManager(config, place, config.httpFilters.map((filter) => createHttpFilter(filter, place.services, `http.${config.statPrefix}.`)).filter((filter) => filter !== null));
      case 'tcp_proxy': return tcpProxyFilter(config, place);
      case 'rbac': return networkRbacFilter(config, place);
      case 'ext_authz': return networkExtAuthzFilter(config, place);
      case 'metadata_exchange': return metadataExchangeFilter(config, place);
      case 'istio_stats': return null;
    }
  });
  return filters.filter((filter) => filter !== null);
}
