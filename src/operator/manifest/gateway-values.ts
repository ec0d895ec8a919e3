// Values of one gateway, ingress or egress, for its component's templates.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { VersionDescriptor } from '../versions/index.ts';
import { at } from './field.ts';
import { buildMeshConfig, clusterDomainOf, discoveryHost, trustDomainOf, withoutUndefined } from './mesh-config.ts';
import type { Facts } from './facts.ts';
import { chooseImage } from './images.ts';
import { replicasOrScaling, rollingUpdate, scheduling } from './deployment-values.ts';

type Data = Record<string, unknown>;
type Gateway = NonNullable<NonNullable<ControlPlaneSpec['gateways']>['egress']>;
type Kind = 'ingress' | 'egress';

const statusPort = { name: 'status-port', port: 15021, targetPort: 15021, protocol: 'TCP' };
const http = { name: 'http2', port: 80, targetPort: 8080, protocol: 'TCP' };
const https = { name: 'https', port: 443, targetPort: 8443, protocol: 'TCP' };
const defaultPorts: Record<Kind, Data[]> = { ingress: [statusPort, http, https], egress: [http, https] };

/** Values of every enabled gateway of `kind`. */
export function gatewayValues(kind: Kind, spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data[] {
  const { gateways } = spec;
  if (gateways?.enabled === false) return [];
  const [main, additional] = kind === 'ingress' ? [gateways?.ingress, gateways?.additionalIngress] : [gateways?.egress, gateways?.additionalEgress];
  const all: [string, Gateway][] = [];
  if (main && main.enabled !== false) all.push([`istio-${kind}gateway`, main]);
  for (const [name, gateway] of Object.entries(additional ?? {})) if (gateway.enabled) all.push([name, gateway]);
  return all.map(([name, gateway]) => oneGateway(kind, name, gateway, spec, version, facts));
}

function oneGateway(kind: Kind, name: string, gateway: Gateway, spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data {
  const stock = name === `istio-${kind}gateway`;
  const service = gateway.service?.metadata;
  // An additional gateway is told apart by its name, unless the user chose labels: Gateway resources select by them.
  const selector: Data = { app: name, istio: stock ? `${kind}gateway` : name, ...service?.labels };
  const { runtime } = gateway;
  return {
    name,
    namespace: gateway.namespace ?? facts.namespace,
    selector,
    labels: { ...selector, 'istio.io/rev': facts.name },
    ...podMetadata(kind, name, selector, runtime, facts),
    image: chooseImage(version.images.proxy, at(runtime, 'container'), at(spec.proxy, 'runtime', 'container'), at(spec.runtime, 'defaults', 'container')),
    args: proxyArguments(spec),
    env: gatewayEnvironment(name, gateway, spec, version, facts),
    containerPorts: containerPorts(kind, gateway),
    resources: at(runtime, 'container', 'resources') ?? at(spec.proxy, 'runtime', 'container', 'resources') ?? {},
    strategy: rollingUpdate(at(runtime, 'deployment')),
    ...replicasOrScaling(at(runtime, 'deployment')),
    ...scheduling(at(runtime, 'pod'), at(spec.runtime, 'defaults', 'pod')),
    volumes: gateway.volumes ?? [],
    serviceLabels: { ...selector, 'istio.io/rev': facts.name },
    serviceAnnotations: service?.annotations,
    service: serviceSpec(kind, gateway),
  };
}

function podMetadata(kind: Kind, name: string, selector: Data, runtime: Gateway['runtime'], facts: Facts): Data {
  return {
    podLabels: {
      ...selector, 'istio.io/rev': facts.name, 'sidecar.istio.io/inject': 'false', ...(kind === 'ingress' ? { 'maistra.io/expose-route': 'true' } : {}),
      'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': 'latest', ...at(runtime, 'pod', 'metadata', 'labels'),
    },
    podAnnotations: {
      'sidecar.istio.io/inject': 'false', 'istio.io/rev': facts.name, 'prometheus.io/scrape': 'true', 'prometheus.io/port': '15020', 'prometheus.io/path': '/stats/prometheus',
      ...at(runtime, 'pod', 'metadata', 'annotations'),
    },
  };
}

/** Ports that the container listens on, each named once, whatever number of Service ports lead to it. */
function containerPorts(kind: Kind, gateway: Gateway): Data[] {
  const ports = gatewayPorts(kind, gateway).map((port) => ({ containerPort: port['targetPort'] ?? port['port'], protocol: 'TCP' }));
  return [...ports, { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }].filter((port, index, list) => list.findIndex((other) => other.containerPort === port.containerPort) === index);
}

function gatewayPorts(kind: Kind, gateway: Gateway): Data[] {
  const ports = gateway.service?.ports;
  return ports && ports.length > 0 ? ports.map((port) => ({ protocol: 'TCP', ...port })) : defaultPorts[kind];
}

function serviceSpec(kind: Kind, gateway: Gateway): Data {
  const { metadata: _metadata, ports: _ports, selector: _selector, ...rest } = gateway.service ?? {};
  return withoutUndefined({ type: 'ClusterIP', ...rest, ports: gatewayPorts(kind, gateway) });
}

/** Command-line arguments that gateways' proxies share. */
function proxyArguments(spec: ControlPlaneSpec): string[] {
  const { logging } = spec.proxy ?? {};
  return [
    'proxy', 'router', '--domain', `$(POD_NAMESPACE).svc.${clusterDomainOf(spec)}`,
    '--proxyLogLevel', logging?.level ?? 'warning', '--proxyComponentLogLevel', levels(logging?.componentLevels, 'misc:error'),
    '--log_output_level', levels(spec.general?.logging?.componentLevels, 'default:info'),
  ];
}

/** `scope:level,scope:level`, sorted. */
export function levels(map: Readonly<Record<string, string>> | undefined, fallback: string): string {
  const entries = Object.entries(map ?? {});
  return entries.length === 0 ? fallback : entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([scope, level]) => `${scope}:${level}`).join(',');
}

function gatewayEnvironment(name: string, gateway: Gateway, spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data[] {
  const trustDomain = trustDomainOf(spec);
  const values: Record<string, string | undefined> = {
    PROXY_CONFIG: JSON.stringify(buildMeshConfig(spec, facts)['defaultConfig']),
    PILOT_CERT_PROVIDER: 'istiod',
    CA_ADDR: `${discoveryHost(facts)}:15012`,
    TRUST_DOMAIN: trustDomain,
    ISTIO_META_CLUSTER_ID: at(spec.cluster, 'name') ?? 'Kubernetes',
    ISTIO_META_NETWORK: at(spec.cluster, 'network'),
    ISTIO_META_MESH_ID: trustDomain,
    ISTIO_META_WORKLOAD_NAME: name,
    ISTIO_META_OWNER: `kubernetes://apis/apps/v1/namespaces/${gateway.namespace ?? facts.namespace}/deployments/${name}`,
    ISTIO_META_UNPRIVILEGED_POD: 'true',
    ISTIO_META_ROUTER_MODE: gateway.routerMode,
    ISTIO_META_REQUESTED_NETWORK_VIEW: gateway.requestedNetworkView?.join(','),
    ISTIO_DELTA_XDS: String(version.features.deltaXds),
    ...at(gateway.runtime, 'container', 'env'),
  };
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ name: key, value }]));
}
