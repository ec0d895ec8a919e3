// The two methods of Envoy's aggregated discovery service.
import { protobufCodec, type GrpcMethod } from '../../shared/grpc/index.ts';
import { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** State of the world: each response holds everything of its type that was asked for. */
export const STREAM_AGGREGATED: GrpcMethod<DiscoveryRequest, DiscoveryResponse> = {
  path: `${SERVICE}/StreamAggregatedResources`, request: protobufCodec(DiscoveryRequest), response: protobufCodec(DiscoveryResponse),
};

/** Delta: each response holds what changed. */
export const DELTA_AGGREGATED: GrpcMethod<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  path: `${SERVICE}/DeltaAggregatedResources`, request: protobufCodec(DeltaDiscoveryRequest), response: protobufCodec(DeltaDiscoveryResponse),
};
