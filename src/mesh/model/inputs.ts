// What the model is built from: the few fields of Kubernetes objects that matter to a mesh, as structural types,
// so that informers may hand over their own objects, and the parsed Istio objects. Called by the control plane and the CLI.
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { ObjectMeta } from '../../shared/api/meta/index.ts';
import type { GatewayApiConfiguration } from './gateway-api-configuration.ts';

/** A Service (v1): only the fields we use. */
export interface KubernetesService {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: {
    readonly type?: string | undefined;
    readonly clusterIP?: string | undefined;
    readonly clusterIPs?: readonly string[] | undefined;
    readonly externalName?: string | undefined;
    readonly selector?: Readonly<Record<string, string>> | undefined;
    readonly ports?: readonly {
      readonly name?: string | undefined;
      readonly port: number;
      readonly targetPort?: number | string | undefined;
      readonly protocol?: string | undefined;
      readonly appProtocol?: string | undefined;
    }[] | undefined;
    readonly trafficDistribution?: string | undefined;
  } | undefined;
}

/** An EndpointSlice (discovery.k8s.io/v1): only the fields we use. */
export interface KubernetesEndpointSlice {
  readonly metadata?: ObjectMeta | undefined;
  readonly addressType?: string | undefined;
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[] | undefined;
    readonly hostname?: string | undefined;
    readonly conditions?: { readonly ready?: boolean | undefined; readonly serving?: boolean | undefined; readonly terminating?: boolean | undefined } | undefined;
    readonly targetRef?: { readonly kind?: string | undefined; readonly namespace?: string | undefined; readonly name?: string | undefined } | undefined;
    readonly nodeName?: string | undefined;
    readonly zone?: string | undefined;
  }[] | undefined;
  readonly ports?: readonly { readonly name?: string | undefined; readonly port?: number | undefined; readonly protocol?: string | undefined; readonly appProtocol?: string | undefined }[] | undefined;
}

/** A Pod (v1): only the fields we use. */
export interface KubernetesPod {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: {
    readonly serviceAccountName?: string | undefined;
    readonly nodeName?: string | undefined;
    readonly hostNetwork?: boolean | undefined;
    readonly containers?: readonly { readonly ports?: readonly { readonly name?: string | undefined; readonly containerPort?: number | undefined; readonly protocol?: string | undefined }[] | undefined }[] | undefined;
    readonly initContainers?: readonly { readonly ports?: readonly { readonly name?: string | undefined; readonly containerPort?: number | undefined; readonly protocol?: string | undefined }[] | undefined }[] | undefined;
  } | undefined;
  readonly status?: { readonly phase?: string | undefined; readonly podIP?: string | undefined; readonly podIPs?: readonly { readonly ip?: string | undefined }[] | undefined } | undefined;
}

/** A Node (v1): only the fields we use. */
export interface KubernetesNode {
  readonly metadata?: ObjectMeta | undefined;
}

/** A Namespace (v1): only the fields we use. */
export interface KubernetesNamespace {
  readonly metadata?: ObjectMeta | undefined;
}

/** A parsed Istio object: `kind` tells which. Objects that did not parse or validate are kept out (or kept at their last valid version) by the caller. */
export type ConfigObject = IstioObject;

/** Everything a snapshot is built from. The order of the lists does not matter. */
export interface SnapshotInput {
  /** Grows by each snapshot. */
  readonly number: number;
  readonly meshConfig: MeshConfig;
  readonly rootNamespace: string;
  /** Cluster domain, `cluster.local`. */
  readonly domain: string;
  readonly trustDomain: string;
  readonly services: readonly KubernetesService[];
  readonly endpointSlices: readonly KubernetesEndpointSlice[];
  readonly pods: readonly KubernetesPod[];
  readonly namespaces: readonly KubernetesNamespace[];
  /** Where pods run; absent where nodes may not be read. */
  readonly nodes?: readonly KubernetesNode[] | undefined;
  readonly config: readonly ConfigObject[];
  /** Key sets of token issuers that could be fetched, JSON by `KeySetSource.key`. */
  readonly keySets?: ReadonlyMap<string, string> | undefined;
  /** What binding the Gateway API gave; absent where it is not installed. */
  readonly gatewayApi?: GatewayApiConfiguration | undefined;
}
