// Injection itself: decides, renders the templates, merges, and answers the difference. Called by mizzend's webhook and the command line.
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import { buildContext, rewritesProbes, type TemplateContext } from './context.ts';
import { injectionDecision } from './decision.ts';
import { diffAsJsonPatch, type JsonPatchOperation } from './json-patch.ts';
import { addedAnnotations, addedLabels, applicationScrape, forcedAnnotations, statusAnnotation } from './metadata.ts';
import type { InjectOptions } from './options.ts';
import { orderContainers } from './order.ts';
import { PROXY_CONTAINER, type Container, type EnvironmentVariable, type PlainObject, type Pod, type PodSpec } from './pod.ts';
import { rewriteProbes } from './probes.ts';
import { strategicMerge } from './strategic-merge.ts';
import type { CompiledTemplate } from './template.ts';

/** What became of a pod. */
export type InjectionOutcome =
  | { readonly patch: readonly JsonPatchOperation[]; readonly pod: Pod; readonly reason: string }
  | { readonly skipped: string };

const TEMPLATES_ANNOTATION = 'inject.istio.io/templates';

/** Injects `pod`: the patch and the patched pod, or why it was left alone. */
export function injectPod(pod: Pod, options: InjectOptions): Result<InjectionOutcome, Issue[]> {
  const decision = injectionDecision(pod, options);
  if (!decision.inject) return ok({ skipped: decision.reason });
  const context = buildContext(pod, options);
  if (!context.ok) return context;
  const templates = selectTemplates(pod, options);
  if (!templates.ok) return templates;
  const merged = mergeTemplates(pod, templates.value, context.value);
  if (!merged.ok) return merged;
  const injected = finish(pod, merged.value, context.value, options);
  return ok({ patch: diffAsJsonPatch(pod as PlainObject, injected as PlainObject), pod: injected, reason: decision.reason });
}

function selectTemplates(pod: Pod, { config }: InjectOptions): Result<CompiledTemplate[], Issue[]> {
  const annotation = pod.metadata?.annotations?.[TEMPLATES_ANNOTATION];
  const asked = annotation === undefined ? config.defaultTemplates : annotation.split(',').map((name) => name.trim()).filter((name) => name !== '');
  const names = asked.flatMap((name) => (Object.hasOwn(config.aliases, name) ? config.aliases[name] : undefined) ?? [name]);
  const issues: Issue[] = [];
  const templates = names.flatMap((name) => {
    const template = config.templates.get(name);
    if (!template) issues.push(errorIssue('MESH_INJECT_TEMPLATE_UNKNOWN', `metadata.annotations[${TEMPLATES_ANNOTATION}]`, `names the injection template ${name}; there are ${[...config.templates.keys()].join(', ')}`));
    return template ? [template] : [];
  });
  return issues.length > 0 ? err(issues) : ok(templates);
}

/** The pod with every template over it and its own proxy container over that. */
function mergeTemplates(pod: Pod, templates: readonly CompiledTemplate[], context: TemplateContext): Result<Pod, Issue[]> {
  const own = (pod.spec?.containers ?? []).find((container) => container.name === PROXY_CONTAINER);
  const bare = own ? { ...pod.spec, containers: pod.spec?.containers?.map((container) => (container === own ? { name: PROXY_CONTAINER } : container)) } : pod.spec;
  let metadata: PlainObject = { ...pod.metadata };
  let spec: PlainObject = bare ?? {};
  let appContainers: PlainObject = {};
  for (const template of templates) {
    const rendered = template.render(context);
    if (!rendered.ok) return rendered;
    metadata = strategicMerge(metadata, rendered.value.metadata);
    spec = strategicMerge(spec, rendered.value.spec);
    appContainers = strategicMerge(appContainers, rendered.value.appContainers);
  }
  const merged = spec as PodSpec;
  const apps = new Set(context.appContainers);
  const containers = (merged.containers ?? []).map((container) => {
    if (container.name === PROXY_CONTAINER) return own ? overlayOwnProxy(container, own) : container;
    return apps.has(container.name) ? (strategicMerge(strategicMerge({}, appContainers), container) as Container) : container;
  });
  const proxy = [...containers, ...(merged.initContainers ?? [])].find((container) => container.name === PROXY_CONTAINER);
  if (proxy && proxy.image === undefined) return err([errorIssue('MESH_INJECT_NO_IMAGE', 'spec.containers[istio-proxy].image', 'no injection template gives the proxy an image; use the template sidecar or gateway')]);
  return ok({ ...pod, metadata, spec: { ...merged, containers } });
}

function overlayOwnProxy(template: Container, own: Container): Container {
  const { image, ...rest } = own;
  if (image !== undefined && image !== 'auto') return strategicMerge(template, own) as Container;
  // The API server wrote this policy for an image without a tag, before it asked us; the image is another now.
  const { imagePullPolicy, ...others } = rest;
  return strategicMerge(template, imagePullPolicy === 'Always' ? others : rest) as Container;
}

/** Probes, environment, order and metadata: what the engine adds to the merged pod. */
function finish(before: Pod, merged: Pod, context: TemplateContext, options: InjectOptions): Pod {
  const ownProxy = (before.spec?.containers ?? []).some((container) => container.name === PROXY_CONTAINER);
  const rewritten = rewriteProbesOf(merged.spec ?? {}, context);
  const ordered = orderContainers(rewritten, { nativeSidecar: context.nativeSidecar, holdApplicationUntilProxyStarts: context.holdApplicationUntilProxyStarts, ownProxy });
  const { labels, annotations } = merged.metadata ?? {};
  return {
    ...merged,
    metadata: {
      ...merged.metadata,
      labels: { ...addedLabels(context), ...labels },
      annotations: { ...addedAnnotations(context, options), ...annotations, ...forcedAnnotations(context), ...statusAnnotation(before, ordered, context.revision) },
    },
    spec: ordered,
  };
}

function rewriteProbesOf(spec: PodSpec, context: TemplateContext): PodSpec {
  const environment: EnvironmentVariable[] = [];
  const scrape = applicationScrape(context);
  if (scrape !== undefined) environment.push({ name: 'ISTIO_PROMETHEUS_ANNOTATIONS', value: scrape });
  let containers = spec.containers ?? [];
  if (rewritesProbes(context.metadata.annotations, context.values)) {
    const rewritten = rewriteProbes(containers, context.statusPort);
    containers = rewritten.containers;
    if (Object.keys(rewritten.probers).length > 0) environment.push({ name: 'ISTIO_KUBE_APP_PROBERS', value: JSON.stringify(rewritten.probers) });
  }
  if (environment.length === 0) return { ...spec, containers };
  return { ...spec, containers: containers.map((container) => (container.name === PROXY_CONTAINER ? (strategicMerge(container, { env: environment }) as Container) : container)) };
}
