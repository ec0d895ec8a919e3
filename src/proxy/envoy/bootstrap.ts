// The bootstrap of an Envoy that our agent runs: who it is, and that everything else comes from the agent over two sockets. Cluster names
// `xds-grpc` and `sds-grpc` are those that Istio gives them, since resources refer to them.
import { OWN_DATA_PLANE, type NodeDescription } from '../options/index.ts';

/** What the bootstrap is made of. */
export interface BootstrapOptions {
  readonly node: NodeDescription;
  readonly adminPort: number;
  readonly deltaXds: boolean;
  readonly discoverySocket: string;
  readonly secretSocket: string;
  /** The ProxyConfig's `runtimeValues`. */
  readonly runtimeValues: Readonly<Record<string, string>>;
}

/** The bootstrap as the JSON form of Envoy's message. */
export function envoyBootstrap(options: BootstrapOptions): Readonly<Record<string, unknown>> {
  const ads = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return {
    node: nodeWithoutOwnFilters(options.node),
    admin: { address: socketAddress('127.0.0.1', options.adminPort) },
    layered_runtime: { layers: [{ name: 'mesh', static_layer: { ...RUNTIME, ...options.runtimeValues } }, { name: 'admin', admin_layer: {} }] },
    // The tunnel of the explicit HTTP proxy ends at a listener inside the process.
    bootstrap_extensions: [{ name: 'envoy.bootstrap.internal_listener', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener' } }],
    stats_config: { use_all_default_tags: false, stats_tags: Object.entries(STAT_TAGS).map(([name, regex]) => ({ tag_name: `envoy.${name}`, regex })) },
    overload_manager: { resource_monitors: [{ name: 'envoy.resource_monitors.global_downstream_max_connections', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig', max_active_downstream_connections: UNLIMITED_CONNECTIONS } }] },
    dynamic_resources: {
      cds_config: ads,
      lds_config: ads,
      ads_config: { api_type: options.deltaXds ? 'DELTA_GRPC' : 'GRPC', transport_api_version: 'V3', set_node_on_first_message_only: true, grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }] },
    },
    static_resources: { clusters: [socketCluster('xds-grpc', options.discoverySocket), socketCluster('sds-grpc', options.secretSocket)] },
  };
}

// Users' expressions may be longer than Envoy's default lets through; Istio allows as much.
const RUNTIME = { 're2.max_program_size.error_level': '32768' };
/** Nobody asked for a limit, and Envoy warns without one. */
const UNLIMITED_CONNECTIONS = 2_147_483_647;

/**
 * Which part of a statistic's name is a tag. Envoy's own expressions take a name up to its first dot, and names of ours hold dots; here the
 * statistic that follows tells where the name ends.
 */
const STAT_TAGS = {
  cluster_name: '^cluster\\.((.+?)\\.)(?:assignment_|bind_errors|canary\\.|circuit_breakers\\.|client_ssl|default\\.|external\\.|http1\\.|http2\\.|init_fetch|internal\\.|lb_|max_host_weight|membership_|original_dst|outlier_detection\\.|retry_|ssl\\.|update_|upstream_|version|warming_state|zone\\.)',
  http_conn_manager_prefix: '^http\\.((.+?)\\.)(?:cors\\.|downstream_|fault\\.|no_|passthrough_|rbac\\.|rq_|rs_|tracing\\.|user_agent\\.)',
  listener_address: '^listener\\.((.+?)\\.)(?:connections_|downstream_|extension_|http\\.|no_filter|server_ssl|ssl\\.|worker_)',
  tcp_prefix: '^tcp\\.((.+?)\\.)(?:downstream_|idle_|max_|on_demand|upstream_)',
  response_code_class: '_rq(_((\\d)xx))$',
  response_code: '_rq(_(\\d{3}))$',
} as const;

/** Without the mark of our own data plane the control plane sends what stock Envoy can load. */
function nodeWithoutOwnFilters({ id, cluster, metadata, locality }: NodeDescription): Readonly<Record<string, unknown>> {
  const { [OWN_DATA_PLANE]: _own, ...others } = metadata;
  return { id, cluster, metadata: others, locality: { region: locality.region, zone: locality.zone, sub_zone: locality.subZone } };
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}

/** A cluster of gRPC over a socket in the file system. */
function socketCluster(name: string, path: string): object {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', explicit_http_config: { http2_protocol_options: {} } },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }] },
  };
}
