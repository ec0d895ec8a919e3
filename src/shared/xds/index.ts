// The wire contract between control plane and proxy: type URLs, names, packing and the protocol's state, all without I/O.
export { packAny, unpackAny, type MessageCodec } from './any.ts';
export {
  BLACK_HOLE_CLUSTER, DYNAMIC_DNS_CLUSTER, HTTP_PROXY_ROUTE, HTTP_PROXY_TUNNEL, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER, VIRTUAL_INBOUND, VIRTUAL_OUTBOUND,
  inboundClusterName, listenerName, outboundClusterName, parseClusterName, sniClusterName, type ClusterName,
} from './resource-names.ts';
export { PUSH_ORDER, TYPE_URLS, WILDCARD_TYPES, type ResourceTypeUrl } from './type-urls.ts';
export { DeltaClientState, SotwClientState, type DeltaClientRequest, type SotwClientRequest } from './client-state.ts';
export { DeltaSubscription, SotwSubscription, type DeltaRequest, type RequestOutcome, type SotwRequest, type SubscriptionStatus } from './server-subscription.ts';
