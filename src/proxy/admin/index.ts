// The admin interface and the agent's HTTP interfaces.
export { adminRoutes } from './admin-routes.ts';
export { agentRoutes, proxyMetricsRoutes, readinessRoutes, type AgentOptions } from './agent-routes.ts';
export { ownAddresses } from './who-may-ask.ts';
export type { AgentView, ClusterView, ListenerView, ProcessView, ServerState } from './process-view.ts';
