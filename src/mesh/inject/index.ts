// Injection: a pod in, a pod with a proxy out.
export { injectionDecision, type InjectionDecision } from './decision.ts';
export { injectPod, type InjectionOutcome } from './inject-pod.ts';
export type { JsonPatchOperation } from './json-patch.ts';
export { parseInjectionConfig, parseInjectionValues, type InjectionConfig, type InjectionNamespace, type InjectOptions } from './options.ts';
export { PROXY_CONTAINER, STATUS_ANNOTATION, type Pod } from './pod.ts';
export { canonicalServiceOf, workloadOf, type Workload } from './workload.ts';
export { strategicMerge } from './strategic-merge.ts';
