// The one error of the cluster tools: a code to search for, what happened, and what to do next.

/** Why a cluster could not be started, used or removed. */
export type ClusterErrorCode =
  | 'CLUSTER_UNSUPPORTED' | 'CLUSTER_NAME' | 'CLUSTER_EXISTS' | 'CLUSTER_FULL' | 'CLUSTER_IMAGE' | 'CLUSTER_BUILD' | 'CLUSTER_COMMAND' | 'CLUSTER_COMPONENT' | 'CLUSTER_TIMEOUT' | 'CLUSTER_INTERRUPTED';

/** A failure of the cluster tools, told to the user as its message alone. */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ClusterError';
    this.code = code;
  }
}
