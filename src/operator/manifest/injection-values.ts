// What the control plane's injector is given: the ConfigMap's keys `config` and `values` (docs/architecture/injection.md).
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { VersionDescriptor, VersionDirectory } from '../versions/index.ts';
import type { Facts } from './facts.ts';
import { levels } from './gateway-values.ts';
import { chooseImage } from './images.ts';
import { discoveryHost, withoutUndefined } from './mesh-config.ts';

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

/** The key `values`. */
export function injectionValues(spec: ControlPlaneSpec, version: VersionDescriptor, facts: Facts): Data {
  const { container, readiness } = spec.proxy?.runtime ?? {};
  const { inbound, outbound } = spec.proxy?.networking?.trafficControl ?? {};
  const defaults = spec.runtime?.defaults?.container;
  return {
    revision: facts.name,
    istio_cni: { enabled: spec.proxy?.networking?.initialization?.type === 'CNI' },
    sidecarInjection: { nativeSidecars: version.features.nativeSidecars },
    sidecarInjectorWebhook: { rewriteAppHTTPProbe: readiness?.rewriteApplicationProbes !== false },
    global: withoutUndefined({
      istioNamespace: facts.namespace,
      imagePullPolicy: container?.imagePullPolicy ?? defaults?.imagePullPolicy ?? 'IfNotPresent',
      imagePullSecrets: defaults?.imagePullSecrets,
      caAddress: spec.security?.certificateAuthority?.custom?.address ?? `${discoveryHost(facts)}:15012`,
      trustDomain: spec.security?.trust?.domain ?? 'cluster.local',
      meshID: spec.security?.trust?.domain ?? 'cluster.local',
      network: spec.cluster?.network,
      multiCluster: { clusterName: spec.cluster?.name ?? 'Kubernetes' },
      logging: { level: levels(spec.general?.logging?.componentLevels, 'default:info') },
      // The packet filter's tools are in the node agent's image alone.
      proxy_init: { image: chooseImage(version.images.cni, spec.proxy?.networking?.initialization?.initContainer?.runtime, spec.runtime?.components?.['cni']?.container, defaults) },
      proxy: withoutUndefined({
        image: chooseImage(version.images.proxy, container, defaults),
        clusterDomain: spec.proxy?.networking?.clusterDomain ?? 'cluster.local',
        logLevel: spec.proxy?.logging?.level ?? 'warning',
        componentLogLevel: levels(spec.proxy?.logging?.componentLevels, 'misc:error'),
        resources: container?.resources,
        readinessInitialDelaySeconds: readiness?.initialDelaySeconds,
        readinessPeriodSeconds: readiness?.periodSeconds,
        readinessFailureThreshold: readiness?.failureThreshold,
        includeInboundPorts: inbound?.includedPorts?.join(','),
        excludeInboundPorts: inbound?.excludedPorts?.join(','),
        includeOutboundIPRanges: outbound?.includedIPRanges?.join(','),
        excludeOutboundIPRanges: outbound?.excludedIPRanges?.join(','),
        excludeOutboundPorts: outbound?.excludedPorts?.join(','),
      }),
    }),
  };
}
