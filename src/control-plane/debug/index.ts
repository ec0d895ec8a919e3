// Debug pages.
export { debugRoutes, type DebugSources } from './debug-routes.ts';
