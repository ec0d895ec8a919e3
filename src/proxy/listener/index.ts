// The data plane: listeners, filters, routes, clusters and pools behind one interface.
export { createDataPlane, type DataPlane, type DataPlaneOptions, type DataPlaneRejection } from './data-plane.ts';
export type { ListenerDescription } from './listener-description.ts';
export type { ClusterDescription, HostDescription } from '../cluster/cluster-description.ts';
