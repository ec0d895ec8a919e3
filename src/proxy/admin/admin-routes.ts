// The admin interface on loopback, with Envoy's paths. What changes something takes POST only.
import { HttpError, type HttpRequest, type HttpResponse, type HttpRoute } from '../../shared/http/index.ts';
import { isLogLevel, logLevels, setLogLevel } from '../../shared/observability/index.ts';
import { renderEnvoyStats } from '../telemetry/index.ts';
import { configDump } from './config-dump.ts';
import { namePattern } from './name-pattern.ts';
import { localProgramsOnly } from './who-may-ask.ts';
import type { ClusterView, ProcessView } from './process-view.ts';

/** Envoy's names of what is wrong with an endpoint: by active checks and by discovery. */
const CHECK_FLAGS: Readonly<Record<string, string>> = { failed: '/failed_active_hc', pending: '/failed_active_hc/pending_active_hc', excluded: '/failed_active_hc/excluded_via_immediate_hc_fail', degraded: '/degraded_active_hc' };
const EDS_FLAGS: Readonly<Record<string, string>> = { unhealthy: '/failed_eds_health', draining: '/eds_status_draining', degraded: '/degraded_eds_health' };
const CHECK_STATUS: Readonly<Record<string, object>> = { failed: { failed_active_health_check: true }, pending: { failed_active_health_check: true, pending_active_hc: true }, excluded: { failed_active_health_check: true, excluded_via_immediate_hc_fail: true }, degraded: { failed_active_degraded_check: true } };

const LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'error', off: 'silent' };
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** The routes of port 15000. */
export function adminRoutes(view: ProcessView): HttpRoute[] {
  const routes: HttpRoute[] = [...readingRoutes(view), ...changingRoutes(view)];
  const help = (): HttpResponse => ({ body: `${routes.map(({ method, path }) => `${method ?? 'ANY'} ${path}`).sort().join('\n')}\n` });
  routes.push({ method: 'GET', path: '/help', handler: help }, { method: 'GET', path: '/', handler: help });
  return routes.map(localProgramsOnly);
}

function readingRoutes(view: ProcessView): HttpRoute[] {
  const get = (path: string, handler: (request: HttpRequest) => HttpResponse): HttpRoute => ({ method: 'GET', path, handler });
  return [
    get('/config_dump', ({ query }) => dump(view, query)),
    get('/clusters', ({ query }) => (query.get('format') === 'json' ? { body: { cluster_statuses: view.clusters().map(clusterStatus) } } : { body: view.clusters().map(clusterText).join('') })),
    get('/listeners', ({ query }) => (query.get('format') === 'json'
      ? { body: { listener_statuses: view.listeners().map(({ name, address }) => ({ name, local_address: addressForm(address) })) } }
      : { body: view.listeners().map(({ name, address }) => `${name}::${address}\n`).join('') })),
    get('/stats', ({ query }) => stats(view, query)),
    get('/stats/prometheus', ({ query }) => ({ headers: { 'content-type': PROMETHEUS }, body: view.telemetry.istio.render() + renderEnvoyStats(view.stats.snapshot(), nameFilter(query), query.has('usedonly')) })),
    get('/ready', () => (view.state() === 'LIVE' ? { body: 'LIVE\n' } : { status: 503, body: `${view.state()}\n` })),
    get('/server_info', () => ({ body: serverInfo(view) })),
    get('/certs', () => ({ body: certificates(view) })),
    get('/memory', () => memory()),
    get('/init_dump', () => ({ body: { unready_targets_dumps: [{ name: 'clusters', target_names: view.configuration.warming.clusters }, { name: 'listeners', target_names: view.configuration.warming.listeners }] } })),
  ];
}

function changingRoutes(view: ProcessView): HttpRoute[] {
  const post = (path: string, handler: (request: HttpRequest) => HttpResponse): HttpRoute => ({ method: 'POST', path, handler });
  const done: HttpResponse = { body: 'OK\n' };
  return [
    post('/logging', ({ query }) => logging(query)),
    post('/drain_listeners', ({ query }) => {
      view.drain(query.has('inboundonly') ? 'inbound' : 'all');
      return done;
    }),
    // What the agent's port takes, for `pilot-agent request POST drain` without a port.
    post('/drain', () => {
      view.drain('inbound');
      return done;
    }),
    post('/quitquitquit', () => {
      view.quit();
      return done;
    }),
    post('/healthcheck/fail', () => {
      view.failHealth(true);
      return done;
    }),
    post('/healthcheck/ok', () => {
      view.failHealth(false);
      return done;
    }),
    post('/reset_counters', () => {
      view.stats.resetCounters();
      view.telemetry.istio.reset();
      return done;
    }),
  ];
}

function dump(view: ProcessView, query: URLSearchParams): HttpResponse {
  const resource = query.get('resource');
  const name = query.get('name_regex');
  const sources = { store: view.store, configuration: view.configuration, secrets: () => view.secrets(), bootstrap: view.bootstrap };
  return { body: configDump(sources, { includeEndpoints: query.has('include_eds'), ...(resource === null ? {} : { resource }), ...(name === null ? {} : { named: namePattern(name) }) }) };
}

function stats(view: ProcessView, query: URLSearchParams): HttpResponse {
  const format = query.get('format') ?? 'text';
  const wanted = nameFilter(query);
  const usedOnly = query.has('usedonly');
  const snapshot = view.stats.snapshot();
  if (format === 'prometheus') return { headers: { 'content-type': PROMETHEUS }, body: view.telemetry.istio.render() + renderEnvoyStats(snapshot, wanted, usedOnly) };
  const cells = [...snapshot.counters, ...snapshot.gauges].filter(({ name, value }) => wanted(name) && (!usedOnly || value !== 0)).sort((left, right) => (left.name < right.name ? -1 : 1));
  if (format === 'json') return { body: { stats: cells } };
  if (format !== 'text') throw new HttpError(400, 'format is text, json or prometheus');
  const histograms = snapshot.histograms.filter(({ name, count }) => wanted(name) && (!usedOnly || count > 0)).map(({ name, count, sum }) => `${name}: count=${count} sum=${sum}\n`);
  return { body: cells.map(({ name, value }) => `${name}: ${value}\n`).join('') + histograms.join('') };
}

function nameFilter(query: URLSearchParams): (name: string) => boolean {
  const filter = query.get('filter');
  if (filter === null || filter === '') return () => true;
  return namePattern(filter);
}

function addressForm(address: string): object {
  const cut = address.lastIndexOf(':');
  return cut < 0 ? { envoy_internal_address: { server_listener_name: address } } : { socket_address: { address: address.slice(0, cut).replace(/^\[|\]$/g, ''), port_value: Number(address.slice(cut + 1)) } };
}

function clusterStatus(cluster: ClusterView): object {
  return {
    name: cluster.name,
    added_via_api: true,
    host_statuses: cluster.hosts.map((host) => ({
      address: addressForm(host.address),
      hostname: host.hostname,
      stats: [
        { name: 'cx_active', type: 'GAUGE', value: String(host.connections) }, { name: 'rq_active', type: 'GAUGE', value: String(host.activeRequests) },
        { name: 'rq_total', value: String(host.requestsTotal) }, { name: 'rq_error', value: String(host.requestsFailed) },
      ],
      health_status: { eds_health_status: host.health.toUpperCase(), ...(host.ejected ? { failed_outlier_check: true } : {}), ...CHECK_STATUS[host.checked] },
      weight: host.weight,
      priority: host.priority,
      locality: localityForm(host.locality),
    })),
  };
}

function localityForm(locality: string): object {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { region, zone, sub_zone: subZone };
}

function clusterText({ name, hosts }: ClusterView): string {
  const lines = hosts.flatMap((host) => {
    const at = `${name}::${host.address}`;
    const flags = [CHECK_FLAGS[host.checked] ?? '', host.ejected ? '/failed_outlier_check' : '', EDS_FLAGS[host.health] ?? ''].join('') || 'healthy';
    return [`${at}::cx_active::${host.connections}`, `${at}::rq_active::${host.activeRequests}`, `${at}::rq_total::${host.requestsTotal}`, `${at}::rq_error::${host.requestsFailed}`,
      `${at}::hostname::${host.hostname}`, `${at}::health_flags::${flags}`, `${at}::weight::${host.weight}`, `${at}::priority::${host.priority}`, `${at}::locality::${host.locality}`];
  });
  return [`${name}::observability_name::${name}`, ...lines].map((line) => `${line}\n`).join('');
}

function serverInfo(view: ProcessView): object {
  const uptime = Math.round((Date.now() - view.startedAt) / 1000);
  return {
    version: `mizzen-proxy/${view.version}/node-${process.version}`,
    state: view.state(),
    uptime_current_epoch: `${uptime}s`,
    uptime_all_epochs: `${uptime}s`,
    node: { id: view.nodeId, cluster: view.serviceCluster, user_agent_name: 'mizzen-proxy' },
    control_plane: view.ads(),
  };
}

function certificates(view: ProcessView): object {
  const now = Date.now();
  return {
    certificates: view.secrets().map(({ name, kind, certificates: list }) => ({
      name,
      [kind === 'certificate' ? 'cert_chain' : 'ca_cert']: list.map((certificate) => ({
        path: '<inline>', serial_number: certificate.serialNumber, subject_alt_names: certificate.uris.map((uri) => ({ uri })),
        days_until_expiration: String(Math.max(0, Math.floor((certificate.notAfter.getTime() - now) / 86_400_000))), valid_from: certificate.notBefore.toISOString(), expiration_time: certificate.notAfter.toISOString(),
      })),
    })),
  };
}

function memory(): HttpResponse {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  return { body: { allocated: String(heapUsed), heap_size: String(heapTotal), resident_size: String(rss), external: String(external) } };
}

/** `?level=debug` for all, `?paths=a:debug,b:info` or `?<logger>=debug` for some. */
function logging(query: URLSearchParams): HttpResponse {
  const wanted = [...query].flatMap(([name, value]): (readonly [string | undefined, string])[] => {
    if (name === 'level') return [[undefined, value] as const];
    if (name === 'paths') return value.split(',').map((part) => [part.split(':')[0] ?? '', part.split(':')[1] ?? ''] as const);
    return [[name, value] as const];
  });
  for (const [name, text] of wanted) {
    const level = LEVELS[text] ?? text;
    if (!isLogLevel(level)) throw new HttpError(400, `'${text}' is not a level; use trace, debug, info, warning, error, critical or off`);
    setLogLevel(level, name);
  }
  return { body: `active loggers:\n${Object.entries(logLevels()).map(([name, level]) => `  ${name}: ${level}\n`).join('')}` };
}
