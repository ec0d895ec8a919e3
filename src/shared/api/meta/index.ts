// Our apimachinery: what every Kubernetes object has.
export { matchesLabelSelector } from './label-selector.ts';
export { apiVersionOf, objectKey, type Condition, type KubernetesObject, type LabelSelector, type ObjectMeta, type OwnerReference, type ResourceType } from './resource-type.ts';
