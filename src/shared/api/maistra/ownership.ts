// Labels that say which mesh an object belongs to; Maistra's names, so that scripts keep working. Written by the operator, read by the control plane's webhook as well.

/** Value of `app.kubernetes.io/managed-by` on what the operator makes. */
export const MANAGED_BY = 'maistra-istio-operator';
/** Label with the namespace of the object's mesh. */
export const OWNER_LABEL = 'maistra.io/owner';
/** Label with the name of the object's mesh. */
export const OWNER_NAME_LABEL = 'maistra.io/owner-name';
