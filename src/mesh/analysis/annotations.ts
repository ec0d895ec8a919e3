// IST0108: an annotation in Istio's name space that means nothing.
import type { Issue, ObjectReference } from '../../shared/lib/index.ts';
import { finding, referenceTo, type Analyzer } from './finding.ts';

const DOMAINS = ['istio.io'];

// Istio's annotation registry, and those that Istio and Maistra write and read beside it.
const KNOWN = new Set([
  'prometheus.istio.io/merge-metrics', 'networking.istio.io/exportTo', 'sidecar.istio.io/inject', 'sidecar.istio.io/status', 'sidecar.istio.io/rewriteAppHTTPProbers', 'sidecar.istio.io/discoveryAddress',
  'sidecar.istio.io/proxyImage', 'sidecar.istio.io/proxyImageType', 'sidecar.istio.io/proxyCPU', 'sidecar.istio.io/proxyCPULimit', 'sidecar.istio.io/proxyMemory', 'sidecar.istio.io/proxyMemoryLimit',
  'sidecar.istio.io/interceptionMode', 'sidecar.istio.io/bootstrapOverride', 'sidecar.istio.io/statsInclusionPrefixes', 'sidecar.istio.io/statsInclusionSuffixes', 'sidecar.istio.io/statsInclusionRegexps',
  'sidecar.istio.io/statsHistogramBuckets', 'sidecar.istio.io/statsFlushInterval', 'sidecar.istio.io/statsEvictionInterval', 'sidecar.istio.io/statsHistogramBins', 'sidecar.istio.io/statsCompression',
  'sidecar.istio.io/userVolume', 'sidecar.istio.io/userVolumeMount', 'sidecar.istio.io/logLevel', 'sidecar.istio.io/componentLogLevel', 'sidecar.istio.io/agentLogLevel', 'sidecar.istio.io/nativeSidecar',
  'sidecar.istio.io/extraStatTags', 'status.sidecar.istio.io/port', 'readiness.status.sidecar.istio.io/initialDelaySeconds', 'readiness.status.sidecar.istio.io/periodSeconds',
  'readiness.status.sidecar.istio.io/failureThreshold', 'readiness.status.sidecar.istio.io/applicationPorts', 'traffic.istio.io/nodeSelector', 'traffic.sidecar.istio.io/includeOutboundIPRanges',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges', 'traffic.sidecar.istio.io/includeInboundPorts', 'traffic.sidecar.istio.io/excludeInboundPorts', 'traffic.sidecar.istio.io/excludeInterfaces',
  'traffic.sidecar.istio.io/includeOutboundPorts', 'traffic.sidecar.istio.io/excludeOutboundPorts', 'traffic.sidecar.istio.io/kubevirtInterfaces', 'galley.istio.io/analyze-suppress', 'proxy.istio.io/config',
  'proxy.istio.io/overrides', 'istio.io/dry-run', 'istio.io/rev', 'istio.io/autoRegistrationGroup', 'istio.io/workloadController', 'istio.io/connectedAt', 'istio.io/disconnectedAt', 'inject.istio.io/templates',
  'topology.istio.io/controlPlaneClusters', 'gateway.istio.io/controller-version', 'gateway.istio.io/service-account', 'gateway.istio.io/name-override', 'ambient.istio.io/redirection',
  'ambient.istio.io/waypoint-inbound-binding', 'ambient.istio.io/bypass-inbound-capture', 'ambient.istio.io/dns-capture', 'networking.istio.io/service-type', 'networking.istio.io/traffic-distribution',
  'networking.istio.io/address-type', 'istio.io/use-waypoint-canary-weight', 'istio.io/reroute-virtual-interfaces', 'alpha.istio.io/kubernetes-serviceaccounts', 'alpha.istio.io/canonical-serviceaccounts',
  'maistra.istio.io/expose-route', 'policy.istio.io/checkRetries',
]);

/** Finds misspelt annotations. */
export const annotations: Analyzer = {
  codes: ['IST0108'],
  analyze: (snapshot) => {
    const records = [
      ...snapshot.virtualServices, ...snapshot.destinationRules, ...snapshot.gateways, ...snapshot.sidecars, ...snapshot.peerAuthentications, ...snapshot.authorizationPolicies, ...snapshot.requestAuthentications, ...snapshot.telemetries,
    ];
    return [
      ...records.flatMap((record) => unknownOf(record.annotations, referenceTo(record))),
      ...[...snapshot.workloads.values()].flatMap(({ namespace, podName, annotations: own }) => unknownOf(own, { kind: 'Pod', namespace, name: podName })),
    ];
  },
};

function unknownOf(own: Readonly<Record<string, string>>, object: ObjectReference): Issue[] {
  return Object.keys(own).filter((name) => isIstios(name) && !KNOWN.has(name))
    .map((name) => finding('IST0108', 'warning', object, `metadata.annotations[${name}]`, `Unknown annotation: ${name}. It has no effect; correct its name or remove it.`));
}

function isIstios(name: string): boolean {
  const [domain = '', rest] = name.split('/');
  return rest !== undefined && DOMAINS.some((suffix) => domain === suffix || domain.endsWith(`.${suffix}`));
}
