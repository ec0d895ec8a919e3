// Effective spec + facts -> values: everything that the templates print is decided here.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { VersionDirectory } from '../versions/index.ts';
import { autoScaling, rollingUpdate, scheduling } from './deployment-values.ts';
import type { Facts } from './facts.ts';
import { gatewayValues, levels } from './gateway-values.ts';
import { chooseImage } from './images.ts';
import { injectionConfig, injectionValues } from './injection-values.ts';
import { buildMeshConfig } from './mesh-config.ts';

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
  const scaling = autoScaling(pilot?.deployment);
  return {
    strategy: rollingUpdate(pilot?.deployment),
    ...(scaling ? { autoScaling: scaling } : { replicas: pilot?.deployment?.replicas ?? 1 }),
    ...scheduling(pilot?.pod, spec.runtime?.defaults?.pod),
    podLabels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': facts.name, 'sidecar.istio.io/inject': 'false', ...pilot?.pod?.metadata?.labels },
    podAnnotations: { 'sidecar.istio.io/inject': 'false', 'prometheus.io/scrape': 'true', 'prometheus.io/port': '15014', ...pilot?.pod?.metadata?.annotations },
    resources: pilot?.container?.resources ?? spec.runtime?.defaults?.container?.resources ?? {},
    args: [
      'discovery', '--monitoringAddr=:15014', '--log_output_level', levels(spec.general?.logging?.componentLevels, 'default:info'),
      ...(spec.general?.logging?.logAsJSON ? ['--log_as_json'] : []),
      '--domain', spec.proxy?.networking?.clusterDomain ?? 'cluster.local',
      '--keepaliveMaxServerConnectionAge', spec.proxy?.networking?.maxConnectionAge ?? '30m',
    ],
    env: environment(discoveryEnvironment(spec, facts), pilot?.container?.env),
  };
}

function discoveryEnvironment(spec: ControlPlaneSpec, facts: Facts): Record<string, string | undefined> {
  const { certificateAuthority, identity, trust } = spec.security ?? {};
  const authority = certificateAuthority?.istiod;
  return {
    REVISION: facts.name,
    MESH_CONFIG_FILE: '/etc/istio/config/mesh',
    CLUSTER_ID: spec.cluster?.name ?? 'Kubernetes',
    TRUST_DOMAIN: trust?.domain ?? 'cluster.local',
    MEMBER_ROLL_NAME: spec.mode === 'ClusterWide' ? undefined : 'default',
    PILOT_TRACE_SAMPLING: spec.tracing?.sampling === undefined ? undefined : String(spec.tracing.sampling / 100),
    DEFAULT_WORKLOAD_CERT_TTL: authority?.workloadCertTTLDefault,
    MAX_WORKLOAD_CERT_TTL: authority?.workloadCertTTLMax,
    TOKEN_ISSUER: identity?.thirdParty?.issuer,
    TOKEN_AUDIENCES: identity?.thirdParty?.audience,
    PILOT_ENABLE_ANALYSIS: spec.general?.validationMessages ? 'true' : undefined,
  };
}

function environment(...maps: readonly (Readonly<Record<string, string | undefined>> | undefined)[]): { name: string; value: string }[] {
  return Object.entries(Object.assign({}, ...maps) as Record<string, string | undefined>).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function cniValues(spec: ControlPlaneSpec, versionName: string, facts: Facts): Record<string, unknown> {
  const install = spec.proxy?.networking?.initialization?.type === 'CNI';
  const openshift = facts.platform === 'openshift';
  return {
    enabled: true,
    name: `istio-cni-node-${versionName.replaceAll('.', '-')}`,
    // Without the plugin the agent only reports that its node is ready, and needs nothing of the host.
    hostDirectories: install,
    binDirectory: openshift ? '/var/lib/cni/bin' : '/opt/cni/bin',
    configDirectory: openshift ? '/etc/cni/multus/net.d' : '/etc/cni/net.d',
    args: ['node-agent', `--install-plugin=${install}`, `--chained=${!openshift}`],
  };
}
