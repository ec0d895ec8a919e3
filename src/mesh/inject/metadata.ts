// Labels and annotations that injection adds to every pod, whatever the template.
import type { TemplateContext } from './context.ts';
import type { InjectOptions } from './options.ts';
import { PROXY_CONTAINER, STATUS_ANNOTATION, textAt, type Pod, type PodSpec } from './pod.ts';

type TextMap = Readonly<Record<string, string>>;

/** Labels that the pod gets where it does not set them. */
export function addedLabels(context: TemplateContext): TextMap {
  const network = textAt(context.values, 'global', 'network');
  return {
    'security.istio.io/tlsMode': 'istio',
    'service.istio.io/canonical-name': context.canonicalName,
    'service.istio.io/canonical-revision': context.canonicalRevision,
    ...(network === undefined ? {} : { 'topology.istio.io/network': network }),
  };
}

/** Annotations that the pod gets where it does not set them. */
export function addedAnnotations(context: TemplateContext, options: InjectOptions): TextMap {
  const own = context.metadata.annotations;
  // The application's container when there is one, else (a gateway) the proxy.
  const first = context.appContainers[0] ?? PROXY_CONTAINER;
  const defaultContainer = own['kubectl.kubernetes.io/default-container'] ?? first;
  return {
    'kubectl.kubernetes.io/default-container': defaultContainer,
    'kubectl.kubernetes.io/default-logs-container': defaultContainer,
    ...options.config.injectedAnnotations,
  };
}

/** Annotations that injection sets whatever the pod says: revision, scrape target of merged metrics. */
export function forcedAnnotations(context: TemplateContext): TextMap {
  return { 'istio.io/rev': context.revision, ...(mergesMetrics(context) ? { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(context.statusPort), 'prometheus.io/path': '/stats/prometheus' } : {}) };
}

/** Whether the agent serves the application's metrics with its own. */
export function mergesMetrics(context: TemplateContext): boolean {
  const own = context.metadata.annotations;
  if (own['prometheus.istio.io/merge-metrics'] === 'false' || own['prometheus.io/scrape'] === 'false') return false;
  return context.meshConfig['enablePrometheusMerge'] !== false && textAt(context.meshConfig, 'enablePrometheusMerge') !== 'false';
}

/** The application's own scrape annotations as JSON for the agent; undefined when it has none. */
export function applicationScrape(context: TemplateContext): string | undefined {
  const own = context.metadata.annotations;
  if (!mergesMetrics(context) || own['prometheus.io/scrape'] !== 'true') return undefined;
  return JSON.stringify({ scrape: 'true', path: own['prometheus.io/path'] ?? '', port: own['prometheus.io/port'] ?? '' });
}

/** The `sidecar.istio.io/status` annotation: what `after` has that `before` had not. */
export function statusAnnotation(before: Pod, after: PodSpec, revision: string): TextMap {
  const spec = before.spec ?? {};
  const added = (list: keyof PodSpec): string[] | null => {
    const names = (items: unknown): string[] => (Array.isArray(items) ? (items as { readonly name: string }[]).map((item) => item.name) : []);
    const old = new Set(names(spec[list]));
    const fresh = names(after[list]).filter((name) => !old.has(name));
    return fresh.length > 0 ? fresh : null;
  };
  const status = { initContainers: added('initContainers'), containers: added('containers'), volumes: added('volumes'), imagePullSecrets: added('imagePullSecrets'), revision };
  return { [STATUS_ANNOTATION]: JSON.stringify(status) };
}
