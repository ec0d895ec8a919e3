// The agent's HTTP interfaces: 15020 (readiness, merged metrics, probes, end of the process), 15021 (readiness) and 15090 (the proxy's own metrics).
import { HttpError, requestText, type HttpRequest, type HttpResponse, type HttpRoute } from '../../shared/http/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { mergeTexts } from '../telemetry/index.ts';
import { ownPodOnly } from './who-may-ask.ts';
import type { AgentView } from './process-view.ts';

/** What the agent knows of its application. */
export interface AgentOptions {
  readonly appAddress: string;
  /** Where requests of this pod come from. */
  readonly own: ReadonlySet<string>;
  /** Executes the original probe of a path such as `/app-health/details/readyz`; undefined when there is none. */
  readonly probe: (path: string, headers: HttpRequest['headers']) => Promise<{ readonly status: number; readonly text: string }> | undefined;
  readonly appMetrics: { readonly port: number; readonly path: string } | null;
}

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
const METRICS_LIMIT = 64 * 1_048_576;
const METRICS_MILLISECONDS = 5000;
const log = createLogger('agent');

/** GET /healthz/ready. */
export function readinessRoutes(view: AgentView): HttpRoute[] {
  return [{
    method: 'GET', path: '/healthz/ready',
    handler: async () => {
      const reason = await view.notReady();
      return reason === undefined ? { body: '' } : { status: 503, body: `${reason}\n` };
    },
  }];
}

/** GET /stats/prometheus of the proxy alone. */
export function proxyMetricsRoutes(view: AgentView): HttpRoute[] {
  return [{ method: 'GET', path: '/stats/prometheus', handler: async () => ({ headers: { 'content-type': PROMETHEUS }, body: await view.proxyMetrics() }) }];
}

/** The routes of port 15020. */
export function agentRoutes(view: AgentView, options: AgentOptions): HttpRoute[] {
  const metrics = async (): Promise<HttpResponse> => ({ headers: { 'content-type': PROMETHEUS }, body: mergeTexts([await appMetrics(options), await view.proxyMetrics(), agentMetrics(view)]) });
  const probe = async (request: HttpRequest): Promise<HttpResponse> => {
    const outcome = options.probe(request.path, request.headers);
    if (!outcome) throw new HttpError(404, `no probe is known at ${request.path}`);
    const { status, text } = await outcome;
    return { status, body: text };
  };
  return [
    ...readinessRoutes(view),
    { method: 'GET', path: '/stats/prometheus', handler: metrics },
    { method: 'GET', path: '/metrics', handler: metrics },
    { method: 'GET', path: '/app-health/*', handler: probe },
    { method: 'GET', path: '/app-lifecycle/*', handler: probe },
    // Only processes of the pod may end it or look inside. The hooks above are asked by the kubelet, from whatever address its node has towards pods.
    ...[
      acting('/quitquitquit', () => view.quit()), acting('/drain', () => view.drain('inbound')),
      { method: 'GET', path: '/debug/ndsz', handler: (): HttpResponse => ({ body: { table: view.names?.() ?? {} } }) },
      { method: 'GET', path: '/debug/syncz', handler: (): HttpResponse => ({ body: view.syncz() }) },
    ].map((route) => ownPodOnly(route, options.own)),
  ];
}

function acting(path: string, act: () => void): HttpRoute {
  return {
    method: 'POST', path,
    handler: () => {
      act();
      return { body: 'OK\n' };
    },
  };
}

/** The application's own metrics; none when it can not be asked, so that the proxy's are still seen. */
async function appMetrics({ appMetrics: source, appAddress }: AgentOptions): Promise<string> {
  if (!source) return '';
  try {
    return await requestText({ host: appAddress, port: source.port, path: source.path, headers: { accept: 'text/plain;version=0.0.4', connection: 'close' }, timeoutMilliseconds: METRICS_MILLISECONDS, limitBytes: METRICS_LIMIT });
  } catch (error) {
    log.debug({ port: source.port, path: source.path, error: describeError(error) }, 'application metrics were not read');
    return '';
  }
}

/** The agent's own metrics, under the names of Istio's agent. */
function agentMetrics(view: AgentView): string {
  const { connected, responses, refusals } = view.ads();
  const expiry = view.secrets().flatMap(({ name, kind, certificates }) => (kind === 'certificate' ? certificates.map((certificate) => `istio_agent_cert_expiry_seconds{resource_name="${name.replaceAll(/["\\\n]/g, '_')}"} ${Math.round((certificate.notAfter.getTime() - Date.now()) / 1000)}`) : []));
  const memory = process.memoryUsage();
  return [
    '# TYPE istio_agent_xds_proxy_responses counter', `istio_agent_xds_proxy_responses ${responses}`,
    '# TYPE istio_agent_xds_proxy_rejects counter', `istio_agent_xds_proxy_rejects ${refusals}`,
    '# TYPE istio_agent_xds_proxy_connected gauge', `istio_agent_xds_proxy_connected ${connected ? 1 : 0}`,
    ...(expiry.length > 0 ? ['# TYPE istio_agent_cert_expiry_seconds gauge', ...expiry] : []),
    ...(view.agentMetrics?.() ?? []),
    '# TYPE process_resident_memory_bytes gauge', `process_resident_memory_bytes ${memory.rss}`,
    '',
  ].join('\n');
}
