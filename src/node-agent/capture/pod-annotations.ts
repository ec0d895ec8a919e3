// What a pod's annotations say about its capture. Read by the CNI plugin (which must be quick and asks nobody) and by the node agent.
import type { Issue, Result } from '../../shared/lib/index.ts';
import { splitList } from './capture-arguments.ts';
import { defaultCaptureOptions, validateCaptureOptions, type CaptureOptions } from './capture-options.ts';

/** A pod's annotations. */
export type Annotations = Readonly<Record<string, string>>;

/** Annotation by which injection says which plugin captures the pod: that of its own version of the mesh. */
export const PLUGIN_ANNOTATION = 'maistra.io/cni-plugin';
/** Annotation by which injection asks for the capture of name look-ups. */
export const CAPTURE_DNS_ANNOTATION = 'maistra.io/capture-dns';

/** Whether the plugin named `plugin` is to capture a pod. Pods of another version, of another mesh, or with an init container of their own are not its business. */
export function isCapturedBy(plugin: string, annotations: Annotations): boolean {
  return annotations['sidecar.istio.io/status'] !== undefined && annotations[PLUGIN_ANNOTATION] === plugin && annotations['sidecar.istio.io/interceptionMode'] !== 'NONE';
}

/** Options for a pod with a sidecar, from its annotations. */
export function captureOptionsOfPod(annotations: Annotations): Result<CaptureOptions, Issue[]> {
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const or = (text: string | undefined, fallback: readonly string[]): readonly string[] => (text === undefined ? fallback : splitList(text));
  const base = defaultCaptureOptions;
  return validateCaptureOptions({
    ...base,
    mode: (annotations['sidecar.istio.io/interceptionMode'] ?? base.mode) as CaptureOptions['mode'],
    includeOutboundRanges: or(of('includeOutboundIPRanges'), base.includeOutboundRanges),
    excludeOutboundRanges: or(of('excludeOutboundIPRanges'), []),
    includeInboundPorts: or(of('includeInboundPorts'), base.includeInboundPorts),
    excludeInboundPorts: [...base.excludeInboundPorts, ...or(of('excludeInboundPorts'), []).filter((port) => !base.excludeInboundPorts.includes(port))],
    includeOutboundPorts: or(of('includeOutboundPorts'), []),
    excludeOutboundPorts: or(of('excludeOutboundPorts'), []),
    excludeInterfaces: or(of('excludeInterfaces'), []),
    virtualInterfaces: or(annotations['istio.io/reroute-virtual-interfaces'] ?? of('kubevirtInterfaces'), []),
    redirectDns: annotations[CAPTURE_DNS_ANNOTATION] === 'true',
  });
}
