// The gRPC methods of aggregated discovery, state of the world and delta.
import { protobufCodec, type GrpcMethod } from '../../shared/grpc/index.ts';
import { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** State of the world. */
export const STREAM_AGGREGATED_RESOURCES: GrpcMethod<DiscoveryRequest, DiscoveryResponse> = {
  path: `${SERVICE}/StreamAggregatedResources`, request: protobufCodec(DiscoveryRequest), response: protobufCodec(DiscoveryResponse),
};

/** Delta. */
export const DELTA_AGGREGATED_RESOURCES: GrpcMethod<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  path: `${SERVICE}/DeltaAggregatedResources`, request: protobufCodec(DeltaDiscoveryRequest), response: protobufCodec(DeltaDiscoveryResponse),
};
