// Brings rendered objects into the cluster: apply, readiness, prune.
export { applyObject, applyObjects, FIELD_MANAGER, type Comparison } from './apply-objects.ts';
export { isOptionalKind, managedKindOf, managedKinds } from './kinds.ts';
export { listOwned, pruneOwned, type OwnedObject } from './prune.ts';
export { daemonSetProblem, deploymentProblem, diagnosePods, findUnready, isWorkload, type UnreadyWorkload, type WorkloadReference } from './readiness.ts';
