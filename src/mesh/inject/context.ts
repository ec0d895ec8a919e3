// What a template sees. The table in docs/architecture/injection.md is this file in words.
import { parse as parseYaml } from 'yaml';
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import { ANNOTATION_CODE, checkAnnotations, isTrue } from './annotation-rules.ts';
import type { InjectOptions } from './options.ts';
import { PROXY_CONTAINER, isPlainObject, textAt, valueAt, type Pod, type PlainObject } from './pod.ts';
import { rewriteProbes } from './probes.ts';
import { strategicMerge } from './strategic-merge.ts';
import { canonicalServiceOf, workloadOf, type Workload } from './workload.ts';

/** The template's context. */
export interface TemplateContext {
  readonly pod: Pod;
  readonly metadata: PlainObject & { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> };
  readonly podSpec: PlainObject;
  readonly namespace: string;
  readonly serviceAccountName: string;
  readonly workload: Workload;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  readonly revision: string;
  readonly istioNamespace: string;
  readonly trustDomain: string;
  readonly domain: string;
  readonly meshConfig: PlainObject;
  readonly proxyConfig: PlainObject;
  readonly values: PlainObject;
  readonly appContainers: readonly string[];
  readonly podPorts: string;
  readonly appProbers: string;
  readonly nativeSidecar: boolean;
  readonly holdApplicationUntilProxyStarts: boolean;
  readonly interceptionMode: string;
  readonly proxyImage: string;
  readonly proxyResources: PlainObject;
  readonly statusPort: number;
  readonly logLevel: string;
  readonly agentLogLevel: string;
  readonly componentLogLevel: string;
  readonly includeInboundPorts: string;
  readonly excludeInboundPorts: string;
  readonly includeOutboundPorts: string;
  readonly excludeOutboundPorts: string;
  readonly includeOutboundIPRanges: string;
  readonly excludeOutboundIPRanges: string;
  readonly excludeInterfaces: string;
  readonly virtualInterfaces: string;
  readonly multusNetworks: string;
}

const CODE = ANNOTATION_CODE;
const INTERCEPTION_MODES = ['REDIRECT', 'TPROXY', 'NONE'];
const DEFAULT_RESOURCES: PlainObject = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2000m', memory: '1024Mi' } };

/** Gathers the context for `pod`; a malformed annotation is an issue. */
export function buildContext(pod: Pod, options: InjectOptions): Result<TemplateContext, Issue[]> {
  const labels = pod.metadata?.labels ?? {};
  const annotations = pod.metadata?.annotations ?? {};
  const proxyConfig = proxyConfigOf(annotations, options);
  if (!proxyConfig.ok) return proxyConfig;
  const issues = checkAnnotations(annotations);
  const { values } = options;
  const workload = workloadOf(pod, options.namespace.name);
  const canonical = canonicalServiceOf(labels, workload.name);
  const apps = (pod.spec?.containers ?? []).filter((container) => container.name !== PROXY_CONTAINER);
  const statusPort = portOf(annotations['status.sidecar.istio.io/port'] ?? textAt(values, 'global', 'proxy', 'statusPort'), 15020, issues);
  const probers = rewritesProbes(annotations, values) ? rewriteProbes(apps, statusPort).probers : {};
  const context: TemplateContext = {
    pod,
    metadata: { ...pod.metadata, labels, annotations },
    podSpec: pod.spec ?? {},
    namespace: options.namespace.name,
    serviceAccountName: pod.spec?.serviceAccountName || 'default',
    workload,
    canonicalName: canonical.name,
    canonicalRevision: canonical.revision,
    revision: options.revision,
    istioNamespace: options.istioNamespace,
    trustDomain: options.trustDomain,
    domain: options.domain,
    meshConfig: options.meshConfig,
    proxyConfig: proxyConfig.value,
    values,
    appContainers: apps.map((container) => container.name),
    podPorts: JSON.stringify(apps.flatMap((container) => container.ports ?? [])),
    appProbers: Object.keys(probers).length > 0 ? JSON.stringify(probers) : '',
    nativeSidecar: isNativeSidecar(pod, annotations, values),
    holdApplicationUntilProxyStarts: (valueAt(proxyConfig.value, 'holdApplicationUntilProxyStarts') ?? valueAt(values, 'global', 'proxy', 'holdApplicationUntilProxyStarts')) === true,
    interceptionMode: interceptionModeOf(annotations, proxyConfig.value, issues),
    proxyImage: proxyImageOf(annotations, values),
    proxyResources: proxyResourcesOf(annotations, values),
    statusPort,
    ...logLevelsOf(annotations, values),
    ...capturedTrafficOf(annotations, values),
    excludeInterfaces: annotations['traffic.sidecar.istio.io/excludeInterfaces'] ?? '',
    virtualInterfaces: annotations['istio.io/reroute-virtual-interfaces'] ?? annotations['traffic.sidecar.istio.io/kubevirtInterfaces'] ?? '',
    multusNetworks: multusNetworksOf(annotations, values),
  };
  return issues.length > 0 ? err(issues) : ok(context);
}

/** Whether probes are rewritten: the annotation, else the value, else yes. */
export function rewritesProbes(annotations: Readonly<Record<string, string>>, values: PlainObject): boolean {
  const annotation = annotations['sidecar.istio.io/rewriteAppHTTPProbers'];
  if (annotation !== undefined) return isTrue(annotation);
  return valueAt(values, 'sidecarInjectorWebhook', 'rewriteAppHTTPProbe') !== false;
}

/** Characters of a pod's own ProxyConfig that are read. */
const PROXY_CONFIG_LIMIT = 16_384;

function proxyConfigOf(annotations: Readonly<Record<string, string>>, options: InjectOptions): Result<PlainObject, Issue[]> {
  const base = isPlainObject(options.meshConfig['defaultConfig']) ? options.meshConfig['defaultConfig'] : {};
  const withAddress: PlainObject = { discoveryAddress: `istiod-${options.revision}.${options.istioNamespace}.svc:15012`, ...base };
  const text = annotations['proxy.istio.io/config'];
  if (text === undefined) return ok(withAddress);
  // Anyone who may make a pod writes this, and one process serves everybody's webhooks: no aliases, no quadratic key check, no huge text.
  if (text.length > PROXY_CONFIG_LIMIT) return err([errorIssue(CODE, 'metadata.annotations[proxy.istio.io/config]', `is ${text.length} characters long; at most ${PROXY_CONFIG_LIMIT} are read`)]);
  try {
    const own: unknown = parseYaml(text, { maxAliasCount: 0, uniqueKeys: false }) ?? {};
    if (isPlainObject(own)) return ok(strategicMerge(withAddress, own));
    return err([errorIssue(CODE, 'metadata.annotations[proxy.istio.io/config]', 'must be a YAML map of ProxyConfig fields')]);
  } catch (error) {
    return err([errorIssue(CODE, 'metadata.annotations[proxy.istio.io/config]', `is not YAML: ${(error as Error).message}`)]);
  }
}

// A pod that brings its own istio-proxy is a gateway: the proxy is its application, not a sidecar.
function isNativeSidecar(pod: Pod, annotations: Readonly<Record<string, string>>, values: PlainObject): boolean {
  if (pod.spec?.containers?.some((container) => container.name === PROXY_CONTAINER)) return false;
  const annotation = annotations['sidecar.istio.io/nativeSidecar'];
  if (annotation !== undefined) return isTrue(annotation);
  return valueAt(values, 'sidecarInjection', 'nativeSidecars') === true;
}

function interceptionModeOf(annotations: Readonly<Record<string, string>>, proxyConfig: PlainObject, issues: Issue[]): string {
  const mode = annotations['sidecar.istio.io/interceptionMode'] ?? textAt(proxyConfig, 'interceptionMode') ?? 'REDIRECT';
  if (!INTERCEPTION_MODES.includes(mode)) issues.push(errorIssue(CODE, 'metadata.annotations[sidecar.istio.io/interceptionMode]', `is ${mode}; it must be one of ${INTERCEPTION_MODES.join(', ')}`));
  return mode;
}

function portOf(text: string | undefined, fallback: number, issues: Issue[]): number {
  if (text === undefined) return fallback;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  issues.push(errorIssue(CODE, 'metadata.annotations[status.sidecar.istio.io/port]', `is ${text}; it must be a port number`));
  return fallback;
}

const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';

/** Namespace of the mesh's networks: one whose networks pods of all namespaces may name, also where Multus isolates namespaces, as on OpenShift. */
const NETWORKS_NAMESPACE = 'default';

// Multus calls a plugin for the pods that name its network, after those the pod asks for itself; the value is a list or JSON.
function multusNetworksOf(annotations: Readonly<Record<string, string>>, values: PlainObject): string {
  const network = textAt(values, 'istio_cni', 'network_attachment');
  if (network === undefined || valueAt(values, 'istio_cni', 'chained') !== false) return '';
  const own = annotations[NETWORKS_ANNOTATION]?.trim() ?? '';
  if (!own.startsWith('[')) return `${own === '' ? '' : `${own},`}${NETWORKS_NAMESPACE}/${network}`;
  try {
    const list: unknown = JSON.parse(own);
    return JSON.stringify([...(Array.isArray(list) ? (list as unknown[]) : []), { name: network, namespace: NETWORKS_NAMESPACE }]);
  } catch {
    return own; // Multus itself refuses the pod and says why
  }
}

function proxyImageOf(annotations: Readonly<Record<string, string>>, values: PlainObject): string {
  const annotation = annotations['sidecar.istio.io/proxyImage'];
  if (annotation !== undefined) return annotation;
  const image = textAt(values, 'global', 'proxy', 'image') ?? 'mizzen-proxy';
  if (image.includes('/')) return image;
  const hub = textAt(values, 'global', 'hub');
  const tag = textAt(values, 'global', 'tag');
  return `${hub === undefined ? '' : `${hub}/`}${image}${tag === undefined ? '' : `:${tag}`}`;
}

function proxyResourcesOf(annotations: Readonly<Record<string, string>>, values: PlainObject): PlainObject {
  const configured = valueAt(values, 'global', 'proxy', 'resources');
  const own = {
    requests: quantities(annotations['sidecar.istio.io/proxyCPU'], annotations['sidecar.istio.io/proxyMemory']),
    limits: quantities(annotations['sidecar.istio.io/proxyCPULimit'], annotations['sidecar.istio.io/proxyMemoryLimit']),
  };
  return strategicMerge(isPlainObject(configured) ? configured : DEFAULT_RESOURCES, own);
}

function quantities(cpu: string | undefined, memory: string | undefined): PlainObject {
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

function logLevelsOf(annotations: Readonly<Record<string, string>>, values: PlainObject): Pick<TemplateContext, 'logLevel' | 'agentLogLevel' | 'componentLogLevel'> {
  return {
    logLevel: annotations['sidecar.istio.io/logLevel'] ?? textAt(values, 'global', 'proxy', 'logLevel') ?? 'warning',
    agentLogLevel: annotations['sidecar.istio.io/agentLogLevel'] ?? textAt(values, 'global', 'logging', 'level') ?? 'default:info',
    componentLogLevel: annotations['sidecar.istio.io/componentLogLevel'] ?? textAt(values, 'global', 'proxy', 'componentLogLevel') ?? 'misc:error',
  };
}

function capturedTrafficOf(annotations: Readonly<Record<string, string>>, values: PlainObject): Pick<TemplateContext, `${'include' | 'exclude'}${'InboundPorts' | 'OutboundPorts' | 'OutboundIPRanges'}`> {
  return {
    includeInboundPorts: trafficOf('includeInboundPorts', annotations, values, '*'),
    excludeInboundPorts: trafficOf('excludeInboundPorts', annotations, values, ''),
    includeOutboundPorts: trafficOf('includeOutboundPorts', annotations, values, ''),
    excludeOutboundPorts: trafficOf('excludeOutboundPorts', annotations, values, ''),
    includeOutboundIPRanges: trafficOf('includeOutboundIPRanges', annotations, values, '*'),
    excludeOutboundIPRanges: trafficOf('excludeOutboundIPRanges', annotations, values, ''),
  };
}

function trafficOf(name: string, annotations: Readonly<Record<string, string>>, values: PlainObject, fallback: string): string {
  return annotations[`traffic.sidecar.istio.io/${name}`] ?? textAt(values, 'global', 'proxy', name) ?? fallback;
}
