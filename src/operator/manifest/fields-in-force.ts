// The fields of a control plane's spec that this operator, and the programs that it installs, act on: a value that is handed over and read by nobody does not count. What is not here is kept and reported: a new field of the schema counts as without
// effect until its path is written down, and a test changes each of these and looks for the change in the manifests.

/** How a component's container is run. */
const CONTAINER = ['imageName', 'imageRegistry', 'imageTag'];
const DEPLOYMENT = ['replicas', 'strategy.type', 'strategy.rollingUpdate.maxSurge', 'strategy.rollingUpdate.maxUnavailable', 'autoScaling.enabled', 'autoScaling.minReplicas', 'autoScaling.maxReplicas', 'autoScaling.targetCPUUtilizationPercentage'];
const SCHEDULING = ['nodeSelector', 'tolerations', 'affinity', 'priorityClassName'];

function below(prefix: string, names: readonly string[]): string[] {
  return names.map((name) => `${prefix}.${name}`);
}

function component(prefix: string): string[] {
  return [
    ...below(`${prefix}.deployment`, DEPLOYMENT), ...below(`${prefix}.pod`, [...SCHEDULING, 'metadata.labels', 'metadata.annotations']), ...below(`${prefix}.container`, [...CONTAINER, 'resources', 'env']),
  ];
}

function gateway(prefix: string): string[] {
  // The Service is passed on whole: it is Kubernetes' own ServiceSpec. Its selector follows from the labels.
  return [...below(prefix, ['enabled', 'namespace', 'volumes', 'service']), ...component(`${prefix}.runtime`)];
}

/** Paths below `spec`; everything below a path is acted on too, and `*` stands for any name. */
export const FIELDS_IN_FORCE: readonly string[] = [
  'version', 'profiles', 'mode', 'cluster.name', 'cluster.network',
  'general.logging.componentLevels', 'general.validationMessages',
  ...below('proxy', ['logging.level', 'accessLogging.file.name', 'accessLogging.file.encoding', 'accessLogging.file.format', 'adminPort']),
  ...below('proxy.networking', ['clusterDomain', 'maxConnectionAge', 'initialization.type', 'dns.refreshRate']),
  ...below('proxy.networking.initialization.initContainer.runtime', CONTAINER),
  ...below('proxy.networking.trafficControl', ['inbound.interceptionMode', 'inbound.includedPorts', 'inbound.excludedPorts', 'outbound.policy', 'outbound.includedIPRanges', 'outbound.excludedIPRanges', 'outbound.excludedPorts']),
  ...below('proxy.runtime.container', [...CONTAINER, 'imagePullPolicy', 'resources', 'env']),
  ...below('proxy.runtime.readiness', ['rewriteApplicationProbes', 'initialDelaySeconds', 'periodSeconds', 'failureThreshold']),
  ...below('proxy.injection', ['autoInject', 'alwaysInjectSelector', 'neverInjectSelector', 'injectedAnnotations']),
  ...below('security', ['trust.domain', 'trust.additionalDomains', 'certificateAuthority.istiod.workloadCertTTLDefault', 'certificateAuthority.istiod.workloadCertTTLMax', 'identity.thirdParty.audience']),
  ...below('security', ['controlPlane.tls.minProtocolVersion', 'dataPlane.mtls', 'dataPlane.automtls', 'manageNetworkPolicy']),
  'tracing.type', 'tracing.sampling', 'addons.prometheus.scrape', 'meshConfig.extensionProviders',
  'gateways.enabled', ...gateway('gateways.ingress'), ...gateway('gateways.additionalIngress.*'),
  ...gateway('gateways.egress'), ...gateway('gateways.additionalEgress.*'),
  ...below('runtime.defaults.deployment.podDisruption', ['enabled', 'minAvailable', 'maxUnavailable']),
  ...below('runtime.defaults.pod', SCHEDULING), ...below('runtime.defaults.container', [...CONTAINER, 'imagePullPolicy', 'imagePullSecrets']),
  ...component('runtime.components.pilot'), ...below('runtime.components.cni.container', CONTAINER),
  'techPreview.meshConfig', 'techPreview.upgrade.waveDeadlineSeconds',
];

/** Values that ask for nothing: how things are anyway. Written by profiles of Maistra's and by our own defaulting webhook. */
export const AS_THINGS_ARE: Readonly<Record<string, readonly unknown[]>> = {
  'general.logging.logAsJSON': [true],
  'telemetry.type': ['Istiod', 'None'],
  'policy.type': ['Istiod', 'None'],
  'security.certificateAuthority.type': ['Istiod'],
  'security.controlPlane.mtls': [true],
  'security.controlPlane.certProvider': ['Istiod'],
  'security.identity.type': ['Kubernetes'],
  'proxy.networking.protocol.autoDetect.inbound': [true],
  'proxy.networking.protocol.autoDetect.outbound': [true],
};
