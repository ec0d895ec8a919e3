// The kinds that the command line reads and writes, with only the fields it uses.
import type { Condition, KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';

/** A container's state in a pod's status. */
export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string }; readonly running?: object; readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string } };
}

/** A Pod. */
export interface Pod extends KubernetesObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[]; readonly initContainers?: readonly { readonly name: string; readonly image?: string; readonly restartPolicy?: string }[] };
  readonly status?: {
    readonly phase?: string; readonly podIP?: string; readonly reason?: string; readonly message?: string; readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[]; readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** A Deployment. */
export interface Deployment extends KubernetesObject {
  readonly spec?: { readonly replicas?: number; readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }; readonly template?: { readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] } } };
  readonly status?: { readonly observedGeneration?: number; readonly replicas?: number; readonly updatedReplicas?: number; readonly readyReplicas?: number; readonly availableReplicas?: number };
}

/** A Service. */
export interface Service extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly clusterIP?: string; readonly ports?: readonly { readonly name?: string; readonly port: number; readonly nodePort?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
}

/** A Node. */
export interface Node extends KubernetesObject {
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** A ConfigMap. */
export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A ServiceMeshControlPlane. */
export interface ControlPlane extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>> & { readonly version?: string };
  readonly status?: {
    readonly conditions?: readonly Condition[]; readonly observedGeneration?: number; readonly chartVersion?: string;
    readonly components?: readonly { readonly resource: string; readonly conditions?: readonly Condition[] }[];
    readonly readiness?: { readonly components?: { readonly ready?: readonly string[] | null; readonly unready?: readonly string[] | null; readonly pending?: readonly string[] | null } };
  };
}

/** A ServiceMeshMemberRoll. */
export interface MemberRoll extends KubernetesObject {
  readonly spec?: { readonly members?: readonly string[] };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly configuredMembers?: readonly string[] | null; readonly pendingMembers?: readonly string[] | null };
}

/** Kinds of the API that the commands and the story read and write. */
export const podType: ResourceType<Pod> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', scope: 'Namespaced' };
export const nodeType: ResourceType<Node> = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', scope: 'Cluster' };
export const namespaceType: ResourceType = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', scope: 'Cluster' };
export const serviceType: ResourceType<Service> = { group: '', version: 'v1', kind: 'Service', plural: 'services', scope: 'Namespaced' };
export const configMapType: ResourceType<ConfigMap> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', scope: 'Namespaced' };
export const deploymentType: ResourceType<Deployment> = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', scope: 'Namespaced' };
export const controlPlaneType: ResourceType<ControlPlane> = { group: 'maistra.io', version: 'v2', kind: 'ServiceMeshControlPlane', plural: 'servicemeshcontrolplanes', scope: 'Namespaced' };
export const memberRollType: ResourceType<MemberRoll> = { group: 'maistra.io', version: 'v1', kind: 'ServiceMeshMemberRoll', plural: 'servicemeshmemberrolls', scope: 'Namespaced' };
