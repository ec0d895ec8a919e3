// Everything that speaks to a Kubernetes API server: client, informers, queues, leader election, events. The one home of @kubernetes/client-node.
export {
  createToken, discoverGroups, discoverResources, serverVersion, subjectAccessReview, tokenReview,
  type AccessDecision, type DiscoveredResource, type ResourceAttributes, type ServerVersion, type ServiceAccountToken, type TokenReviewStatus,
} from './access-reviews.ts';
export { decodeAdmissionReview, encodeAdmissionReview, type AdmissionAnswer, type AdmissionRequest } from './admission-review.ts';
export { getCondition, isConditionTrue, setCondition } from './conditions.ts';
export { Controller, type ControllerOptions, type ReconcileResult, type Reconciler } from './controller.ts';
export { EventRecorder } from './event-recorder.ts';
export { Informer, type InformerOptions, type ObjectChange } from './informer.ts';
export { KubeClient, type ApplyOptions, type DeleteOptions, type KubeList, type ListOptions, type PatchKind, type PatchOptions, type WriteOptions } from './kube-client.ts';
export { loadKubeConfig, type KubeConfigOptions } from './kube-config.ts';
export { isConflict, isNotFound, KubeError, type StatusDetails } from './kube-error.ts';
export { type ConnectionSettings, type KubeRequest, type KubeResponse, type QueryValues } from './kube-transport.ts';
export { ObjectFollower, type FollowedObject, type ObjectFollowerOptions } from './object-follower.ts';
export { LeaderElector, leaseType, type LeaderElectorOptions, type Lease } from './leader-elector.ts';
export { addFinalizer, hasFinalizer, ownerReference, removeFinalizer } from './ownership.ts';
export { collectionPath, objectPath } from './resource-path.ts';
export { WorkQueue, type WorkQueueOptions } from './work-queue.ts';
