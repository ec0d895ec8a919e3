// Workload kinds of Kubernetes: only the fields that our programs read.
import type { KubernetesObject, LabelSelector, ObjectMeta, ResourceType } from '../meta/index.ts';

/** A port that a container listens on. */
export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
}

/** One environment variable; only literal values are read. */
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

/** A health check of a container. */
export interface Probe {
  httpGet?: { path?: string; port: number | string; scheme?: string; host?: string; httpHeaders?: { name: string; value: string }[] };
  tcpSocket?: { port: number | string; host?: string };
  grpc?: { port: number; service?: string };
  exec?: { command?: string[] };
  initialDelaySeconds?: number;
  timeoutSeconds?: number;
  periodSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

/** A container of a pod. */
export interface Container {
  name: string;
  image?: string;
  args?: string[];
  command?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: unknown;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean; subPath?: string }[];
  securityContext?: Record<string, unknown>;
  resources?: Record<string, unknown>;
  restartPolicy?: string;
}

/** The specification of a pod. */
export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: ({ name: string } & Record<string, unknown>)[];
  serviceAccountName?: string;
  hostNetwork?: boolean;
  nodeName?: string;
  hostname?: string;
  subdomain?: string;
  securityContext?: Record<string, unknown>;
  imagePullSecrets?: { name: string }[];
  terminationGracePeriodSeconds?: number;
}

/** The state of a container as the kubelet reports it. */
export interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

/** Waiting, running or terminated. */
export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { reason?: string; message?: string; exitCode: number };
}

/** A pod. */
export interface Pod extends KubernetesObject {
  spec?: PodSpec;
  status?: {
    phase?: string;
    podIP?: string;
    podIPs?: { ip: string }[];
    hostIP?: string;
    reason?: string;
    message?: string;
    conditions?: WorkloadCondition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** A condition of a workload's status. */
export interface WorkloadCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** The template from which a workload makes its pods. */
export interface PodTemplate {
  metadata?: ObjectMeta;
  spec?: PodSpec;
}

/** A Deployment. */
export interface Deployment extends KubernetesObject {
  spec?: { replicas?: number; selector?: LabelSelector; template?: PodTemplate; strategy?: unknown };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: WorkloadCondition[];
  };
}

/** A ReplicaSet. */
export interface ReplicaSet extends KubernetesObject {
  spec?: { replicas?: number; selector?: LabelSelector; template?: PodTemplate };
}

/** A StatefulSet. */
export interface StatefulSet extends KubernetesObject {
  spec?: { replicas?: number; selector?: LabelSelector; template?: PodTemplate };
  status?: { observedGeneration?: number; replicas?: number; readyReplicas?: number; updatedReplicas?: number; currentRevision?: string; updateRevision?: string };
}

/** A DaemonSet. */
export interface DaemonSet extends KubernetesObject {
  spec?: { selector?: LabelSelector; template?: PodTemplate };
  status?: {
    observedGeneration?: number;
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
    numberUnavailable?: number;
    numberReady?: number;
  };
}

/** Pods. */
export const PodResource: ResourceType<Pod> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', scope: 'Namespaced' };
/** Deployments. */
export const DeploymentResource: ResourceType<Deployment> = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', scope: 'Namespaced' };
/** ReplicaSets. */
export const ReplicaSetResource: ResourceType<ReplicaSet> = { group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', scope: 'Namespaced' };
/** StatefulSets. */
export const StatefulSetResource: ResourceType<StatefulSet> = { group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', scope: 'Namespaced' };
/** DaemonSets. */
export const DaemonSetResource: ResourceType<DaemonSet> = { group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', scope: 'Namespaced' };
/** HorizontalPodAutoscalers. */
export const HorizontalPodAutoscalerResource: ResourceType = { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', scope: 'Namespaced' };
/** PodDisruptionBudgets. */
export const PodDisruptionBudgetResource: ResourceType = { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', scope: 'Namespaced' };
