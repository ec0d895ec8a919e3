// Names that binding the Gateway API, translation and the control plane's secrets must agree upon.

/** Label of pods and objects of a gateway's workload. */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';

/** Scheme under which gateways ask for Secrets that a binding grants them: `<scheme><namespace>/<name>`. */
export const GRANTED_SECRET_SCHEME = 'kubernetes-gateway://';
