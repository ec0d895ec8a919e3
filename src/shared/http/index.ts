// A small HTTP(S) server for admin, metrics, health and webhooks.
export { HttpError, matchRoute, type HttpHandler, type HttpRequest, type HttpResponse, type HttpRoute, type RouteMatch } from './router.ts';
export { HttpServer, type HttpServerOptions, type ServerIdentity } from './server.ts';
export { healthRoute, loggingRoutes, metricsRoute } from './standard-routes.ts';
