// Everything the proxy is told from outside, in one typed value: flags, environment and the downward API's files, as Istio's agent reads them.
// Pure: files come in as a function. Called once by the program.
import { describeError, err, ok, parseDuration, type Result } from '../../shared/lib/index.ts';
import { parseAppProbers, type AppProbe } from './app-probers.ts';
import { applicationAddress, instanceAddresses, wildcardFor, type ApplicationAddress } from './pod-addresses.ts';

/** What the proxy runs with. */
export interface ProxyOptions {
  readonly role: 'sidecar' | 'router';
  readonly podName: string;
  readonly podNamespace: string;
  readonly podIp: string;
  /** All addresses of the pod, `podIp` first. */
  readonly podIps: readonly string[];
  readonly hostIp: string;
  readonly serviceAccount: string;
  readonly nodeName: string;
  readonly workloadName: string;
  readonly trustDomain: string;
  readonly clusterId: string;
  readonly meshId: string;
  readonly network: string;
  readonly revision: string;
  readonly domain: string;
  readonly serviceCluster: string;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Metadata of the xDS node from ISTIO_META_* and ISTIO_METAJSON_*. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The ProxyConfig as it came, for the xDS node. */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
  /** `host:port` of the control plane. */
  readonly discoveryAddress: string;
  /** `host:port` of the certificate authority. */
  readonly caAddress: string;
  readonly deltaXds: boolean;
  readonly logLevel: string;
  readonly adminPort: number;
  readonly statusPort: number;
  readonly healthPort: number;
  readonly prometheusPort: number;
  /** Address of 15020, 15021 and 15090. */
  readonly bindAddress: string;
  readonly drainMilliseconds: number;
  readonly terminationDrainMilliseconds: number;
  readonly minimumDrainMilliseconds: number;
  readonly exitOnZeroActiveConnections: boolean;
  readonly certificateLifetimeSeconds: number;
  readonly tokenFile: string;
  readonly rootCertificateFile: string;
  readonly workloadCertificateFolder: string;
  readonly appProbes: Readonly<Record<string, AppProbe>>;
  /** Where the application's own metrics are, when the pod's annotations say so. */
  readonly appMetrics: { readonly port: number; readonly path: string } | null;
  /** Address at which the agent reads the application's metrics. */
  readonly appAddress: string;
  /** How the agent executes the application's probes. */
  readonly probeTarget: ApplicationAddress;
  /** DNS of the pod, where it is captured. */
  readonly dns: DnsOptions | null;
  /** The Envoy to run in place of our own data plane; empty for our own. */
  readonly envoyBinary: string;
  /** Where an Envoy's bootstrap and sockets are put. */
  readonly configurationFolder: string;
  /** Worker threads of an Envoy; 0 takes one for each processor. */
  readonly concurrency: number;
}

/** What the DNS server of a captured pod runs with. */
export interface DnsOptions {
  readonly addresses: readonly string[];
  readonly port: number;
  /** The text of the pod's resolv.conf. */
  readonly resolverText: string;
}

/** Sources of the options. */
export interface OptionSources {
  readonly role: 'sidecar' | 'router';
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Content of a file, undefined when it does not exist. */
  readonly readFile: (path: string) => string | undefined;
  /** Addresses of the network interfaces. */
  readonly interfaces?: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const LOG_LEVELS: Readonly<Record<string, string>> = { trace: 'trace', debug: 'debug', info: 'info', warning: 'warn', warn: 'warn', error: 'error', critical: 'error', fatal: 'fatal', off: 'silent', none: 'silent' };

/** The options, or what is wrong with their sources. */
export function readProxyOptions(sources: OptionSources): Result<ProxyOptions, string[]> {
  const problems: string[] = [];
  const { environment: env, flags, role } = sources;
  const text = (name: string, fallback = ''): string => env[name] || fallback;
  const proxyConfig = jsonObject('PROXY_CONFIG', text('PROXY_CONFIG', '{}'), problems);
  const metadata = metadataOf(env, problems);
  const namespace = text('POD_NAMESPACE', 'default');
  const meta = (key: string): string => (typeof metadata[key] === 'string' ? metadata[key] : '');
  const labels = { ...textEntries(metadata['LABELS']), ...podInfo(sources.readFile('/etc/istio/pod/labels') ?? '') };
  const domain = flags['domain'] || `${namespace}.svc.cluster.local`;
  const discoveryAddress = String(proxyConfig['discoveryAddress'] ?? '') || 'istiod.istio-system.svc:15012';
  const podIp = text('INSTANCE_IP');
  if (podIp === '') problems.push('INSTANCE_IP is empty. Set it to the IP address of the pod.');
  if (text('POD_NAME') === '') problems.push('POD_NAME is empty. Set it to the name of the pod.');
  const options: ProxyOptions = {
    role, podName: text('POD_NAME'), podNamespace: namespace, podIp, ...podOptions(sources, meta, podIp, problems), hostIp: text('HOST_IP'),
    serviceAccount: text('SERVICE_ACCOUNT', 'default'), nodeName: meta('NODE_NAME'), workloadName: meta('WORKLOAD_NAME'),
    trustDomain: text('TRUST_DOMAIN', 'cluster.local'), clusterId: meta('CLUSTER_ID') || 'Kubernetes', meshId: meta('MESH_ID') || text('TRUST_DOMAIN', 'cluster.local'), network: meta('NETWORK'),
    revision: text('REVISION') || meta('ISTIO_REVISION'), domain, version: text('MIZZEN_VERSION', '3.1.0'),
    serviceCluster: givenServiceCluster(proxyConfig['serviceCluster']) || flags['serviceCluster'] || `${labels['app'] ?? (meta('WORKLOAD_NAME') || 'istio-proxy')}.${namespace}`,
    labels, annotations: podInfo(sources.readFile('/etc/istio/pod/annotations') ?? ''), metadata, proxyConfig,
    discoveryAddress, caAddress: text('CA_ADDR', discoveryAddress),
    deltaXds: text('ISTIO_DELTA_XDS', 'true') !== 'false', logLevel: logLevel(flags),
    adminPort: port('proxyAdminPort', proxyConfig['proxyAdminPort'], 15000, problems),
    statusPort: port('statusPort', proxyConfig['statusPort'], 15020, problems),
    healthPort: port('ISTIO_META_ENVOY_STATUS_PORT', metadata['ENVOY_STATUS_PORT'], 15021, problems),
    prometheusPort: port('ISTIO_META_ENVOY_PROMETHEUS_PORT', metadata['ENVOY_PROMETHEUS_PORT'], 15090, problems),
    drainMilliseconds: duration('drainDuration', proxyConfig['drainDuration'], 45_000, problems),
    terminationDrainMilliseconds: duration('terminationDrainDuration', text('TERMINATION_DRAIN_DURATION_SECONDS') ? `${text('TERMINATION_DRAIN_DURATION_SECONDS')}s` : proxyConfig['terminationDrainDuration'], 5000, problems),
    minimumDrainMilliseconds: duration('MINIMUM_DRAIN_DURATION', env['MINIMUM_DRAIN_DURATION'], 5000, problems),
    exitOnZeroActiveConnections: (text('EXIT_ON_ZERO_ACTIVE_CONNECTIONS') || meta('EXIT_ON_ZERO_ACTIVE_CONNECTIONS')) === 'true',
    certificateLifetimeSeconds: duration('SECRET_TTL', env['SECRET_TTL'], 86_400_000, problems) / 1000,
    tokenFile: text('PROXY_TOKEN_FILE', '/var/run/secrets/tokens/istio-token'),
    rootCertificateFile: text('XDS_ROOT_CA', text('CA_ROOT_CA', '/var/run/secrets/istio/root-cert.pem')),
    workloadCertificateFolder: '/var/run/secrets/workload-spiffe-credentials',
    appProbes: probes(text('ISTIO_KUBE_APP_PROBERS'), problems), appMetrics: appMetrics(text('ISTIO_PROMETHEUS_ANNOTATIONS'), problems),
    envoyBinary: text('ENVOY_BINARY_PATH'), configurationFolder: configurationFolder(proxyConfig['configPath']), concurrency: concurrency(flags['concurrency'] ?? proxyConfig['concurrency'], problems),
  };
  return problems.length > 0 ? err(problems) : ok(options);
}

/** What depends on the pod's addresses and on how its traffic comes here. */
function podOptions({ role, environment: env, interfaces = [], readFile }: OptionSources, meta: (key: string) => string, podIp: string, problems: string[]): Pick<ProxyOptions, 'podIps' | 'bindAddress' | 'appAddress' | 'probeTarget' | 'dns'> {
  const podIps = instanceAddresses(podIp, interfaces, env['ISTIO_DUAL_STACK'] !== 'false');
  const captured = role === 'sidecar' && ['REDIRECT', 'TPROXY'].includes(meta('INTERCEPTION_MODE'));
  const given = env['ISTIO_APP_ADDRESS'];
  return {
    podIps, bindAddress: env['PROXY_BIND_ADDRESS'] || wildcardFor(podIps), appAddress: given || applicationAddress(podIp, false).address,
    probeTarget: given ? { address: given, source: '' } : applicationAddress(podIp, captured),
    dns: role === 'sidecar' && isTrue(meta('DNS_CAPTURE')) ? dnsOptions(env['DNS_PROXY_ADDR'] || meta('DNS_PROXY_ADDR'), readFile('/etc/resolv.conf') ?? '', problems) : null,
  };
}

/** The server listens on loopback, where the capture rules lead: on both loopback addresses unless one is given. */
function dnsOptions(given: string, resolverText: string, problems: string[]): DnsOptions {
  const match = /^(localhost|127\.[0-9.]+|\[?::1\]?):(\d{1,5})$/.exec(given || 'localhost:15053');
  if (!match) problems.push(`DNS_PROXY_ADDR is ${JSON.stringify(given)}; it takes a loopback address and a port, such as localhost:15053.`);
  const [, host = 'localhost', number = '15053'] = match ?? [];
  return { addresses: host === 'localhost' ? ['127.0.0.1', '::1'] : [host.replace(/[[\]]/g, '')], port: port('DNS_PROXY_ADDR', number, 15053, problems), resolverText };
}

function isTrue(value: string): boolean {
  return ['true', '1'].includes(value.toLowerCase());
}

/** The entries of a JSON object that are text. */
function textEntries(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The lines of a downward API file: `key="value"` with Go's quoting. */
export function podInfo(text: string): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const line of text.split('\n')) {
    const match = /^([^=]+)="((?:[^"\\]|\\.)*)"\s*$/.exec(line);
    if (match) entries.push([match[1] ?? '', (match[2] ?? '').replaceAll(/\\(.)/g, (_all, letter: string) => (letter === 'n' ? '\n' : letter === 't' ? '\t' : letter))]);
  }
  return Object.fromEntries(entries);
}

function metadataOf(env: OptionSources['environment'], problems: string[]): Fields {
  const metadata: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '') continue;
    if (name.startsWith('ISTIO_META_')) metadata[name.slice('ISTIO_META_'.length)] = value;
    if (!name.startsWith('ISTIO_METAJSON_')) continue;
    try {
      Object.assign(metadata, { [name.slice('ISTIO_METAJSON_'.length)]: JSON.parse(value) as unknown });
    } catch (error) {
      problems.push(`${name} is not JSON: ${describeError(error)}`);
    }
  }
  return metadata;
}

function jsonObject(name: string, text: string, problems: string[]): Fields {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    problems.push(`${name} is not a JSON object.`);
  } catch (error) {
    problems.push(`${name} is not JSON: ${describeError(error)}`);
  }
  return {};
}

function port(name: string, value: unknown, fallback: number, problems: string[]): number {
  if (value === undefined || value === null || value === '' || value === 0) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0 && number < 65536) return number;
  problems.push(`${name} is ${JSON.stringify(value)}; it takes a port number.`);
  return fallback;
}

/** Istio's default is written relative to the root. */
function configurationFolder(value: unknown): string {
  const given = typeof value === 'string' && value !== '' ? value : '/etc/istio/proxy';
  return given.startsWith('./') ? given.slice(1) : given;
}

function concurrency(value: unknown, problems: string[]): number {
  if (value === undefined || value === null || value === '') return 2;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0) return number;
  problems.push(`concurrency is ${JSON.stringify(value)}; it takes a number of threads, 0 for one each processor.`);
  return 2;
}

function duration(name: string, value: unknown, fallback: number, problems: string[]): number {
  if (value === undefined || value === null || value === '') return fallback;
  const parsed = parseDuration(String(value));
  if (parsed !== undefined && parsed >= 0) return parsed;
  problems.push(`${name} is ${JSON.stringify(value)}; it takes a duration such as 5s.`);
  return fallback;
}

/** The agent's and the proxy's levels: the finer one counts for all, since it is one program. */
function logLevel(flags: Readonly<Record<string, string>>): string {
  const proxy = LOG_LEVELS[(flags['proxyLogLevel'] ?? 'warning').toLowerCase()] ?? 'warn';
  const scopes = (flags['log_output_level'] ?? '').split(',').map((scope) => scope.split(':'));
  const agent = LOG_LEVELS[(scopes.find(([name]) => name === 'default' || name === 'all')?.[1] ?? '').toLowerCase()];
  const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
  return agent !== undefined && order.indexOf(agent) < order.indexOf(proxy) ? agent : proxy;
}

function probes(text: string, problems: string[]): Readonly<Record<string, AppProbe>> {
  try {
    return parseAppProbers(text);
  } catch (error) {
    problems.push(describeError(error));
    return {};
  }
}

function appMetrics(text: string, problems: string[]): ProxyOptions['appMetrics'] {
  if (text === '') return null;
  const fields = jsonObject('ISTIO_PROMETHEUS_ANNOTATIONS', text, problems);
  if (String(fields['scrape'] ?? '') !== 'true') return null;
  return { port: port('ISTIO_PROMETHEUS_ANNOTATIONS.port', fields['port'], 80, problems), path: String(fields['path'] ?? '') || '/metrics' };
}

/** Istio's default for the service cluster names every proxy alike and means that none was given. */
function givenServiceCluster(value: unknown): string {
  return typeof value === 'string' && value !== 'istio-proxy' ? value : '';
}
