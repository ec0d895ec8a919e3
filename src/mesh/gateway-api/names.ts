// Names by which the Gateway API's users and tools know us; those of Istio, so that their YAML works unchanged.

/** Our controller, as GatewayClasses name it. */
export const CONTROLLER_NAME = 'istio.io/gateway-controller';

/** Classes that the control plane creates where they are missing. */
export const GATEWAY_CLASS_NAMES = ['istio', 'mizzen'] as const;

/** Label of objects of a gateway's workload: its class. */
export const GATEWAY_CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';

/** Annotation of a Gateway (or its infrastructure) that chooses the type of its Service. */
export const SERVICE_TYPE_ANNOTATION = 'networking.istio.io/service-type';
