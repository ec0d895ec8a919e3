// What the control plane's injector is given: the ConfigMap's keys `config` and `values` (docs/architecture/injection.md).
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { VersionDescriptor, VersionDirectory } from '../versions/index.ts';
import type { Facts } from './facts.ts';
import { levels } from './gateway-values.ts';
import { chooseImage } from './images.ts';
import { at } from './field.ts';
import { clusterDomainOf, discoveryHost, trustDomainOf, withoutUndefined } from './mesh-config.ts';

type Data = Record<string, unknown>;

/** The key `config`: who is injected, and the version's injection templates as they are. */
export function injectionConfig(spec: ControlPlaneSpec, directory: VersionDirectory): Data {
  const injection = spec.proxy?.injection;
  return {
    policy: injection?.autoInject ? 'enabled' : 'disabled',
    alwaysInjectSelector: injection?.alwaysInjectSelector ?? [],
    neverInjectSelector: injection?.neverInjectSelector ?? [],
    injectedAnnotations: injection?.injectedAnnotations ?? {},
    defaultTemplates: ['sidecar'],
    templates: Object.fromEntries([...directory.files].flatMap(([path, text]) => {
      const name = /^injection\/(.+)\.yaml\.hbs$/.exec(path)?.[1];
      return name === undefined ? [] : [[name, text]];
    })),
  };
}

/** Name of a version's CNI plugin on the node. */
export function cniPluginOf(versionName: string): string {
  return `${versionName.replaceAll('.', '-')}-istio-cni`;
}

/** Name of the network by which pods ask Multus for the plugin: each mesh has its own, all in one namespace. */
export function cniNetworkOf(versionName: string, facts: Facts): string {
  return `${cniPluginOf(versionName)}-${facts.namespace}`;
}

/** The key `values`. */
export function injectionValues(spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data {
  return {
    revision: facts.name,
    istio_cni: { enabled: at(spec.proxy, 'networking', 'initialization', 'type') === 'CNI', chained: facts.platform !== 'openshift', istio_cni_network: cniPluginOf(version.name), network_attachment: cniNetworkOf(version.name, facts) },
    sidecarInjection: { nativeSidecars: version.features.nativeSidecars },
    sidecarInjectorWebhook: { rewriteAppHTTPProbe: at(spec.proxy, 'runtime', 'readiness', 'rewriteApplicationProbes') !== false },
    global: globalValues(spec, version, facts),
  };
}

function globalValues(spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data {
  const defaults = at(spec.runtime, 'defaults', 'container');
  const initContainer = at(spec.proxy, 'networking', 'initialization', 'initContainer');
  return withoutUndefined({
    istioNamespace: facts.namespace,
    imagePullPolicy: at(spec.proxy, 'runtime', 'container', 'imagePullPolicy') ?? at(defaults, 'imagePullPolicy') ?? 'IfNotPresent',
    imagePullSecrets: at(defaults, 'imagePullSecrets'),
    caAddress: `${discoveryHost(facts)}:15012`,
    trustDomain: trustDomainOf(spec),
    meshID: trustDomainOf(spec),
    network: at(spec.cluster, 'network'),
    multiCluster: { clusterName: at(spec.cluster, 'name') ?? 'Kubernetes' },
    logging: { level: levels(at(spec.general, 'logging', 'componentLevels'), 'default:info') },
    // The packet filter's tools are in the node agent's image alone.
    proxy_init: { image: chooseImage(version.images.cni, at(initContainer, 'runtime'), at(spec.runtime, 'components', 'cni', 'container'), defaults) },
    proxy: proxyValues(spec, version),
  });
}

function proxyValues(spec: ControlPlaneSpec, version: VersionDescriptor): Data {
  const { container, readiness } = spec.proxy?.runtime ?? {};
  const { inbound, outbound } = at(spec.proxy, 'networking', 'trafficControl') ?? {};
  const list = (items: readonly (string | number)[] | undefined): string | undefined => items?.join(',');
  return withoutUndefined({
    image: chooseImage(version.images.proxy, container, at(spec.runtime, 'defaults', 'container')),
    clusterDomain: clusterDomainOf(spec),
    logLevel: at(spec.proxy, 'logging', 'level') ?? 'warning',
    componentLogLevel: levels(at(spec.proxy, 'logging', 'componentLevels'), 'misc:error'),
    resources: at(container, 'resources'),
    readinessInitialDelaySeconds: at(readiness, 'initialDelaySeconds'),
    readinessPeriodSeconds: at(readiness, 'periodSeconds'),
    readinessFailureThreshold: at(readiness, 'failureThreshold'),
    includeInboundPorts: list(at(inbound, 'includedPorts')),
    excludeInboundPorts: list(at(inbound, 'excludedPorts')),
    includeOutboundIPRanges: list(at(outbound, 'includedIPRanges')),
    excludeOutboundIPRanges: list(at(outbound, 'excludedIPRanges')),
    excludeOutboundPorts: list(at(outbound, 'excludedPorts')),
  });
}
