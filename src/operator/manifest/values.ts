// Effective spec + facts -> values: everything that the templates print is decided here.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { VersionDirectory } from '../versions/index.ts';
import { replicasOrScaling, rollingUpdate, scheduling } from './deployment-values.ts';
import type { Facts } from './facts.ts';
import { gatewayValues, levels } from './gateway-values.ts';
import { chooseImage } from './images.ts';
import { cniNetworkOf, cniPluginOf, injectionConfig, injectionValues } from './injection-values.ts';
import { at } from './field.ts';
import { buildMeshConfig, clusterDomainOf } from './mesh-config.ts';

/** Values for the templates. */
export type Values = Readonly<Record<string, unknown>>;

/** The values for the effective `spec` of one mesh. */
export function buildValues(spec: ControlPlaneSpec, directory: VersionDirectory, facts: Facts): Values {
  const version = directory.descriptor;
  const { defaults } = spec.runtime ?? {};
  const pilot = spec.runtime?.components?.['pilot'];
  return {
    revision: facts.name,
    namespace: facts.namespace,
    version: version.name,
    clusterWide: spec.mode === 'ClusterWide',
    images: {
      discovery: chooseImage(version.images.discovery, pilot?.container, defaults?.container),
      cni: chooseImage(version.images.cni, spec.runtime?.components?.['cni']?.container, defaults?.container),
    },
    imagePullPolicy: defaults?.container?.imagePullPolicy ?? 'IfNotPresent',
    imagePullSecrets: defaults?.container?.imagePullSecrets,
    rootCertificate: facts.rootCertificate,
    networkPolicies: spec.security?.manageNetworkPolicy !== false,
    mtlsMode: spec.security?.dataPlane?.mtls ? 'STRICT' : 'PERMISSIVE',
    podDisruption: podDisruption(spec),
    meshConfig: buildMeshConfig(spec, facts),
    meshNetworks: { networks: {} },
    injection: injectionConfig(spec, directory),
    injectionValues: injectionValues(spec, version, facts),
    discovery: discoveryValues(spec, facts),
    ingressGateways: gatewayValues('ingress', spec, version, facts),
    egressGateways: gatewayValues('egress', spec, version, facts),
    cni: cniValues(spec, version.name, facts),
  };
}

function podDisruption(spec: ControlPlaneSpec): Record<string, unknown> | undefined {
  const own = spec.runtime?.defaults?.deployment?.podDisruption;
  if (!own?.enabled) return undefined;
  if (own.maxUnavailable !== undefined) return { maxUnavailable: own.maxUnavailable };
  return { minAvailable: own.minAvailable ?? 1 };
}

function discoveryValues(spec: ControlPlaneSpec, facts: Facts): Record<string, unknown> {
  const pilot = spec.runtime?.components?.['pilot'];
  const env = environment(discoveryEnvironment(spec, facts), at(pilot, 'container', 'env'));
  return {
    strategy: rollingUpdate(at(pilot, 'deployment')),
    ...replicasOrScaling(at(pilot, 'deployment')),
    ...scheduling(at(pilot, 'pod'), at(spec.runtime, 'defaults', 'pod')),
    podLabels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': facts.name, 'sidecar.istio.io/inject': 'false', ...at(pilot, 'pod', 'metadata', 'labels') },
    podAnnotations: { 'sidecar.istio.io/inject': 'false', 'prometheus.io/scrape': 'true', 'prometheus.io/port': '15014', ...at(pilot, 'pod', 'metadata', 'annotations') },
    resources: at(pilot, 'container', 'resources') ?? {},
    args: [
      'discovery', '--monitoringAddr=:15014', '--log_output_level', levels(at(spec.general, 'logging', 'componentLevels'), 'default:info'),
      ...(at(spec.general, 'logging', 'logAsJSON') ? ['--log_as_json'] : []),
      '--domain', clusterDomainOf(spec),
      '--keepaliveMaxServerConnectionAge', at(spec.proxy, 'networking', 'maxConnectionAge') ?? '30m',
    ],
    env,
    // Rights to make workloads are given only where they are used: anything but an opt-out means that they are.
    deploysGateways: !env.some(({ name, value }) => name === 'PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER' && value === 'false'),
  };
}

function discoveryEnvironment(spec: ControlPlaneSpec, facts: Facts): Record<string, string | undefined> {
  const authority = at(spec.security, 'certificateAuthority', 'istiod');
  const thirdParty = at(spec.security, 'identity', 'thirdParty');
  return {
    REVISION: facts.name,
    MESH_CONFIG_FILE: '/etc/istio/config/mesh',
    MEMBER_ROLL_NAME: spec.mode === 'ClusterWide' ? undefined : 'default',
    DEFAULT_WORKLOAD_CERT_TTL: at(authority, 'workloadCertTTLDefault'),
    MAX_WORKLOAD_CERT_TTL: at(authority, 'workloadCertTTLMax'),
    TOKEN_AUDIENCES: at(thirdParty, 'audience'),
    PILOT_ENABLE_ANALYSIS: at(spec.general, 'validationMessages') ? 'true' : undefined,
  };
}

function environment(...maps: readonly (Readonly<Record<string, string | undefined>> | undefined)[]): { name: string; value: string }[] {
  return Object.entries(Object.assign({}, ...maps) as Record<string, string | undefined>).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function cniValues(spec: ControlPlaneSpec, versionName: string, facts: Facts): Record<string, unknown> {
  const install = spec.proxy?.networking?.initialization?.type === 'CNI';
  const openshift = facts.platform === 'openshift';
  const name = `istio-cni-node-${versionName.replaceAll('.', '-')}`;
  const plugin = cniPluginOf(versionName);
  return {
    enabled: true,
    name,
    plugin,
    // Without the plugin the agent only reports that its node is ready, and needs nothing of the host.
    hostDirectories: install,
    networkAttachment: install && openshift ? cniNetworkOf(versionName, facts) : undefined,
    binDirectory: openshift ? '/var/lib/cni/bin' : '/opt/cni/bin',
    configDirectory: openshift ? '/etc/cni/multus/net.d' : '/etc/cni/net.d',
    args: ['node-agent', `--install-plugin=${install}`, ...(install ? [`--chained=${!openshift}`, `--plugin-name=${plugin}`, `--daemon-set=${name}`] : [])],
  };
}
