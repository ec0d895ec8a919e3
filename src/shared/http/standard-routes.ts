// Routes that several of our programs have in the same form.
import { createLogger, isLogLevel, logLevels, programMetrics, setLogLevel, type MetricsRegistry } from '../observability/index.ts';
import { HttpError, type HttpRoute } from './router.ts';

/** GET /metrics (or another path): the registry in Prometheus' text form. */
export function metricsRoute(registry: MetricsRegistry = programMetrics, path = '/metrics'): HttpRoute {
  return { method: 'GET', path, handler: async () => ({ headers: { 'content-type': registry.contentType }, body: await registry.render() }) };
}

/** A health route: 200 when `problem` gives nothing, else 503 with what it gives. */
export function healthRoute(path: string, problem: () => string | undefined = () => undefined): HttpRoute {
  return {
    method: 'GET', path,
    handler: () => {
      const text = problem();
      return text === undefined ? { body: 'ok\n' } : { status: 503, body: `${text}\n` };
    },
  };
}

/** GET shows the loggers and their levels; POST with `?level=debug[&name=logger]` changes them while the program runs. */
export function loggingRoutes(path = '/debug/logging'): HttpRoute[] {
  const log = createLogger('logging');
  return [
    { method: 'GET', path, handler: () => ({ body: logLevels() }) },
    {
      method: 'POST', path,
      handler: ({ query }) => {
        const level = query.get('level') ?? '';
        const name = query.get('name') ?? undefined;
        if (!isLogLevel(level)) throw new HttpError(400, `'${level}' is not a level; use trace, debug, info, warn, error, fatal or silent`);
        setLogLevel(level, name);
        log.info({ level, name }, 'log level changed');
        return { body: logLevels() };
      },
    },
  ];
}
