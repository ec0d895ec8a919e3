// The embedded Kubernetes API server.
export { ApiServer, type ApiServerOptions } from './api-server.ts';
export { ApiStatusError, type ExecStreams, type InternalClient, type PodStreams, type ResourceName, type StoredMeta, type StoredObject, type WatchEvent } from './internal-client.ts';
