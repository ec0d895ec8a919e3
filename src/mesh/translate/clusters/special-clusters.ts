// Clusters that do not belong to a service: the black hole, passthrough, the workload's own ports, and the explicit HTTP proxy's.
import { ClusterConfig } from '../../../shared/xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.ts';
import type { DnsCacheConfig } from '../../../shared/xds/generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.ts';
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily, Cluster_LbPolicy, type Cluster } from '../../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { BLACK_HOLE_CLUSTER, DYNAMIC_DNS_CLUSTER, HTTP_PROXY_TUNNEL, INBOUND_PASSTHROUGH_CLUSTER, inboundClusterName, packAny, PASSTHROUGH_CLUSTER } from '../../../shared/xds/index.ts';
import type { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import { isDetected, isHttp, isHttp2 } from '../../model/protocol.ts';
import type { InboundPort } from '../proxy-view.ts';
import { dnsFamilyOf, loopbackOf, passthroughSource, type AddressFamilies } from '../address-families.ts';
import { durationOf, socketAddress } from '../xds-values.ts';
import { explicitHttpOptions } from './outbound-cluster.ts';
import { circuitBreakers } from './traffic-policy.ts';

/** The DNS cache that the dynamic cluster and the filter in front of it share. */
export const DNS_CACHE: DnsCacheConfig = { name: 'dynamic_forward_proxy_cache_config', dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED };

function connectTimeout(meshConfig: MeshConfig): Pick<Cluster, 'connectTimeout'> {
  return { connectTimeout: durationOf(meshConfig.connectTimeout) };
}

/** A cluster without endpoints: what is routed to it fails. */
export function blackHoleCluster(meshConfig: MeshConfig): Cluster {
  return { name: BLACK_HOLE_CLUSTER, clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STATIC }, ...connectTimeout(meshConfig) };
}

/** A cluster that connects where the client dialled. */
export function passthroughCluster(meshConfig: MeshConfig, direction: 'outbound' | 'inbound', families: AddressFamilies): Cluster {
  return {
    name: direction === 'outbound' ? PASSTHROUGH_CLUSTER : INBOUND_PASSTHROUGH_CLUSTER,
    clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    ...connectTimeout(meshConfig),
    circuitBreakers: circuitBreakers(undefined),
    typedExtensionProtocolOptions: explicitHttpOptions(false),
    ...(direction === 'inbound' ? { upstreamBindConfig: passthroughSource(families) } : {}),
  };
}

/** The workload's own port: where the client dialled under capture, else loopback. */
export function inboundCluster({ service, port, targetPort }: InboundPort, captured: boolean, meshConfig: MeshConfig, families: AddressFamilies): Cluster {
  const name = inboundClusterName(targetPort);
  const http = isHttp(port.protocol) || isDetected(port.protocol);
  const shared: Cluster = {
    name,
    ...connectTimeout(meshConfig),
    circuitBreakers: circuitBreakers(undefined),
    ...(http ? { typedExtensionProtocolOptions: explicitHttpOptions(isHttp2(port.protocol)) } : {}),
    metadata: { filterMetadata: { istio: { services: [{ host: service.host, name: service.name, namespace: service.namespace }] } } },
  };
  if (captured) {
    return { ...shared, clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.ORIGINAL_DST }, lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED, upstreamBindConfig: passthroughSource(families) };
  }
  return {
    ...shared,
    clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: socketAddress(loopbackOf(families), targetPort) } } }] }] },
  };
}

/** A cluster that resolves the host of each request: unknown hosts of clients that name them. */
export function dynamicDnsCluster(meshConfig: MeshConfig): Cluster {
  return {
    name: DYNAMIC_DNS_CLUSTER,
    clusterDiscoveryType: {
      $case: 'clusterType',
      clusterType: {
        name: 'envoy.clusters.dynamic_forward_proxy',
        typedConfig: packAny('envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', ClusterConfig, { clusterImplementationSpecifier: { $case: 'dnsCacheConfig', dnsCacheConfig: DNS_CACHE }, allowInsecureClusterOptions: true }),
      },
    },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    ...connectTimeout(meshConfig),
    circuitBreakers: circuitBreakers(undefined),
    typedExtensionProtocolOptions: explicitHttpOptions(false),
  };
}

/** A span collector outside the registry. */
export function collectorCluster(name: string, collector: { readonly host: string; readonly port: number }, meshConfig: MeshConfig, families: AddressFamilies): Cluster {
  return {
    name,
    clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STRICT_DNS },
    dnsLookupFamily: dnsFamilyOf(families),
    ...connectTimeout(meshConfig),
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: socketAddress(collector.host, collector.port) } } }] }] },
  };
}

/** The way from the explicit HTTP proxy's CONNECT to the listener that serves the HTTP inside the tunnel. */
export function httpProxyTunnelCluster(meshConfig: MeshConfig): Cluster {
  return {
    name: HTTP_PROXY_TUNNEL,
    clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STATIC },
    ...connectTimeout(meshConfig),
    circuitBreakers: circuitBreakers(undefined),
    loadAssignment: {
      clusterName: HTTP_PROXY_TUNNEL,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: { address: { $case: 'envoyInternalAddress', envoyInternalAddress: { addressNameSpecifier: { $case: 'serverListenerName', serverListenerName: HTTP_PROXY_TUNNEL } } } } } } }] }],
    },
  };
}
