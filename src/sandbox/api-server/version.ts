// The version of Kubernetes whose API is served here.

/** As /version and the node tell it. */
export const KUBERNETES_VERSION = 'v1.35.0+mizzen-sandbox';
