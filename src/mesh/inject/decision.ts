// Whether a pod is injected: the first rule that has an opinion wins. docs/architecture/injection.md lists them in the same order.
import { matchesLabelSelector } from '../../shared/api/meta/index.ts';
import type { InjectOptions } from './options.ts';
import { STATUS_ANNOTATION, type Pod } from './pod.ts';

/** The answer and the rule that gave it. */
export interface InjectionDecision {
  readonly inject: boolean;
  readonly reason: string;
}

/** Label and annotation by which a pod decides for itself. */
export const INJECT_KEY = 'sidecar.istio.io/inject';

const IGNORED_NAMESPACES = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);
const YES = new Set(['y', 'yes', 'true', 'on']);

/** Decides for `pod`. */
export function injectionDecision(pod: Pod, options: Pick<InjectOptions, 'config' | 'namespace' | 'revision'>): InjectionDecision {
  return byExclusion(pod, options.namespace.name) ?? byPod(pod) ?? byNamespaceRefusal(options) ?? bySelectors(pod, options) ?? byNamespaceRequest(options) ?? byPolicy(options);
}

function byExclusion(pod: Pod, namespace: string): InjectionDecision | undefined {
  if (pod.spec?.hostNetwork === true) return no('the pod uses the host network');
  if (IGNORED_NAMESPACES.has(namespace)) return no(`namespace ${namespace} is never injected`);
  if (pod.metadata?.annotations?.[STATUS_ANNOTATION] !== undefined) return no('the pod already has a proxy');
  return undefined;
}

function byPod(pod: Pod): InjectionDecision | undefined {
  const label = pod.metadata?.labels?.[INJECT_KEY];
  const value = label ?? pod.metadata?.annotations?.[INJECT_KEY];
  if (value === undefined || value === '') return undefined;
  const where = `${label === undefined ? 'annotation' : 'label'} ${INJECT_KEY}=${value}`;
  return YES.has(value.toLowerCase()) ? yes(where) : no(where);
}

function byNamespaceRefusal({ namespace }: Pick<InjectOptions, 'namespace'>): InjectionDecision | undefined {
  return namespace.labels?.['istio-injection'] === 'disabled' ? no(`namespace ${namespace.name} has istio-injection=disabled`) : undefined;
}

function bySelectors(pod: Pod, { config }: Pick<InjectOptions, 'config'>): InjectionDecision | undefined {
  const labels = pod.metadata?.labels;
  // An empty selector would match every pod of the cluster; as in Istio it matches none here.
  const matches = (selector: Parameters<typeof matchesLabelSelector>[0]): boolean =>
    Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0 && matchesLabelSelector(selector, labels);
  if (config.neverInjectSelector.some(matches)) return no('neverInjectSelector matches');
  if (config.alwaysInjectSelector.some(matches)) return yes('alwaysInjectSelector matches');
  return undefined;
}

function byNamespaceRequest({ namespace, revision }: Pick<InjectOptions, 'namespace' | 'revision'>): InjectionDecision | undefined {
  if (namespace.labels?.['istio-injection'] === 'enabled') return yes(`namespace ${namespace.name} has istio-injection=enabled`);
  if (namespace.labels?.['istio.io/rev'] === revision) return yes(`namespace ${namespace.name} has istio.io/rev=${revision}`);
  return undefined;
}

function byPolicy({ config }: Pick<InjectOptions, 'config'>): InjectionDecision {
  return config.policy === 'enabled' ? yes('injection policy enabled') : no(`injection policy disabled and nothing asks; set the label ${INJECT_KEY}: "true" on the pod template`);
}

function yes(reason: string): InjectionDecision {
  return { inject: true, reason };
}

function no(reason: string): InjectionDecision {
  return { inject: false, reason };
}
