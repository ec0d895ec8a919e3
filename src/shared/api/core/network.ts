// Service, EndpointSlice and NetworkPolicy: only the fields that our programs read.
import type { KubernetesObject, ResourceType } from '../meta/index.ts';

/** One port of a Service. */
export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  nodePort?: number;
  protocol?: string;
  appProtocol?: string;
}

/** A Service. */
export interface Service extends KubernetesObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    externalName?: string;
    externalIPs?: string[];
    selector?: Record<string, string>;
    ports?: ServicePort[];
    sessionAffinity?: string;
    publishNotReadyAddresses?: boolean;
    internalTrafficPolicy?: string;
    trafficDistribution?: string;
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

/** One endpoint of an EndpointSlice. */
export interface Endpoint {
  addresses: string[];
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  targetRef?: { kind?: string; namespace?: string; name?: string; uid?: string };
}

/** A slice of a Service's endpoints. */
export interface EndpointSlice extends KubernetesObject {
  addressType?: string;
  endpoints?: Endpoint[];
  ports?: { name?: string; port?: number; protocol?: string; appProtocol?: string }[];
}

/** Services. */
export const ServiceResource: ResourceType<Service> = { group: '', version: 'v1', kind: 'Service', plural: 'services', scope: 'Namespaced' };
/** EndpointSlices. */
export const EndpointSliceResource: ResourceType<EndpointSlice> = { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices', scope: 'Namespaced' };
/** NetworkPolicies. */
export const NetworkPolicyResource: ResourceType = { group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', plural: 'networkpolicies', scope: 'Namespaced' };
