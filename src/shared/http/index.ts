// A small HTTP(S) server for admin, metrics, health and webhooks, and a client for neighbours.
export { requestText, type TextRequest } from './request-text.ts';
export { HttpError, matchRoute, type HttpHandler, type HttpRequest, type HttpResponse, type HttpRoute, type RouteMatch } from './router.ts';
export { HttpServer, type HttpServerOptions, type ServerIdentity } from './server.ts';
export { healthRoute, loggingRoutes, metricsRoute } from './standard-routes.ts';
