// The xDS node: how the proxy names itself to the control plane (Istio's node id and metadata conventions; booleans and lists travel as text).
import type { ProxyOptions } from './proxy-options.ts';

/** The metadata by which the control plane knows our own data plane, which understands Istio's extension filters. */
export const OWN_DATA_PLANE = 'MIZZEN_VERSION';

/** The fields of the protocol's Node message that are sent. */
export interface NodeDescription {
  id: string;
  cluster: string;
  metadata: { [key: string]: unknown };
  locality: { region: string; zone: string; subZone: string };
  userAgentName: string;
  userAgentVersionType: { $case: 'userAgentVersion'; userAgentVersion: string };
}

/** The node of `options`. */
export function nodeOf(options: ProxyOptions): NodeDescription {
  const [region = '', zone = '', subZone = ''] = localityOf(options.labels);
  return {
    id: `${options.role}~${options.podIp}~${options.podName}.${options.podNamespace}~${options.domain}`,
    cluster: options.serviceCluster,
    metadata: dropEmpty({
      ...options.metadata,
      NAME: options.podName,
      NAMESPACE: options.podNamespace,
      INSTANCE_IPS: options.podIps.join(','),
      SERVICE_ACCOUNT: options.serviceAccount,
      WORKLOAD_NAME: options.workloadName,
      NODE_NAME: options.nodeName,
      CLUSTER_ID: options.clusterId,
      MESH_ID: options.meshId,
      NETWORK: options.network,
      ISTIO_VERSION: options.version,
      [OWN_DATA_PLANE]: options.version,
      ISTIO_REVISION: options.revision,
      LABELS: { ...options.labels },
      ANNOTATIONS: { ...options.annotations },
      PROXY_CONFIG: { ...options.proxyConfig },
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: options.exitOnZeroActiveConnections ? 'true' : '',
    }),
    locality: { region, zone, subZone },
    userAgentName: 'mizzen-proxy',
    userAgentVersionType: { $case: 'userAgentVersion', userAgentVersion: options.version },
  };
}

function dropEmpty(metadata: Readonly<Record<string, unknown>>): { [key: string]: unknown } {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ''));
}

/** `region/zone/subzone` of the pod's own label (dots stand for slashes there), or of the node's topology labels. */
function localityOf(labels: Readonly<Record<string, string>>): readonly string[] {
  const own = labels['istio-locality'] ?? labels['topology.istio.io/locality'];
  if (own !== undefined && own !== '') return own.includes('/') ? own.split('/') : own.split('.');
  return [labels['topology.kubernetes.io/region'] ?? '', labels['topology.kubernetes.io/zone'] ?? '', labels['topology.istio.io/subzone'] ?? ''];
}
