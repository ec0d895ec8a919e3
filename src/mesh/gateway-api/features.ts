// The features of the Gateway API that this mesh has, by the names of the conformance suite. A GatewayClass's status shows them.

/** Names of supported features, in alphabetical order as the API asks. */
export const SUPPORTED_FEATURES: readonly string[] = [
  'Gateway',
  'HTTPRoute',
  'ReferenceGrant',
].sort();
