// Access logs and tracing of a proxy, from the mesh configuration and the Telemetry objects on it.
import type { ExtensionProvider } from '../../shared/api/mesh-config/extension-provider.ts';
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { AccessLog } from '../../shared/xds/generated/envoy/config/accesslog/v3/accesslog.ts';
import { ZipkinConfig, ZipkinConfig_CollectorEndpointVersion } from '../../shared/xds/generated/envoy/config/trace/v3/zipkin.ts';
import { FileAccessLog } from '../../shared/xds/generated/envoy/extensions/access_loggers/file/v3/file.ts';
import type { HttpConnectionManager_Tracing } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import type { CustomTag } from '../../shared/xds/generated/envoy/type/tracing/v3/custom_tag.ts';
import { outboundClusterName, packAny } from '../../shared/xds/index.ts';
import { resolveHost } from '../model/host-name.ts';
import { telemetriesFor } from '../model/policy-selection.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import type { MeshSnapshot } from '../model/snapshot.ts';

/** Which side of a request a listener is on. */
export type TelemetryMode = 'CLIENT' | 'SERVER';

/** Cluster of a span collector that the registry does not know. */
export const ZIPKIN_CLUSTER = 'zipkin';

const TEXT_FORMAT = '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% '
  + '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" '
  + '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

const JSON_FORMAT: Readonly<Record<string, string>> = {
  start_time: '%START_TIME%', method: '%REQ(:METHOD)%', path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', protocol: '%PROTOCOL%', response_code: '%RESPONSE_CODE%', response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%', connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%', upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytes_received: '%BYTES_RECEIVED%', bytes_sent: '%BYTES_SENT%', duration: '%DURATION%', upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%', request_id: '%REQ(X-REQUEST-ID)%', authority: '%REQ(:AUTHORITY)%', upstream_host: '%UPSTREAM_HOST%', upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%', downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%', downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%', route_name: '%ROUTE_NAME%',
};

/** The access logs of a proxy on one side. Telemetry objects name providers; without any, the mesh's log file is written. */
export function accessLogs(snapshot: MeshSnapshot, proxy: ProxyDescription, mode: TelemetryMode): AccessLog[] {
  const { meshConfig } = snapshot;
  const settings = telemetriesFor(snapshot, proxy).flatMap((record) => record.spec.accessLogging ?? []).filter((entry) => appliesTo(entry.match?.mode, mode));
  const last = settings.at(-1);
  if (last?.disabled) return [];
  if (!last && meshConfig.defaultProviders.accessLogging.length === 0) return meshConfig.accessLogFile ? [fileLog(meshConfig.accessLogFile, meshConfig)] : [];
  const named = last?.providers?.length ? last.providers.map(({ name }) => name) : meshConfig.defaultProviders.accessLogging;
  const names = named.length > 0 ? named : ['envoy'];
  return names.flatMap((name) => {
    const provider = providerOf(meshConfig, name)?.envoyFileAccessLog;
    if (!provider) return name === 'envoy' ? [fileLog('/dev/stdout', meshConfig)] : [];
    return [fileLog(provider.path || '/dev/stdout', meshConfig, provider.logFormat)];
  });
}

function appliesTo(setting: string | undefined, mode: TelemetryMode): boolean {
  return setting === undefined || setting === 'CLIENT_AND_SERVER' || setting === mode;
}

function providerOf(meshConfig: MeshConfig, name: string): ExtensionProvider | undefined {
  return meshConfig.extensionProviders.find((provider) => provider.name === name);
}

function fileLog(path: string, meshConfig: MeshConfig, format?: { readonly text?: string | undefined; readonly labels?: Readonly<Record<string, unknown>> | undefined }): AccessLog {
  const json = format?.labels ?? (format?.text === undefined && meshConfig.accessLogEncoding === 'JSON' ? jsonFormat(meshConfig.accessLogFormat) : undefined);
  const text = format?.text ?? (meshConfig.accessLogFormat || TEXT_FORMAT);
  const config: FileAccessLog = {
    path,
    accessLogFormat: { $case: 'logFormat', logFormat: json ? { format: { $case: 'jsonFormat', jsonFormat: { ...json } } } : { format: { $case: 'textFormatSource', textFormatSource: { specifier: { $case: 'inlineString', inlineString: text } } } } },
  };
  return { name: 'envoy.access_loggers.file', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.access_loggers.file.v3.FileAccessLog', FileAccessLog, config) } };
}

/** A JSON format is itself JSON; one that is not an object falls back to the default fields. */
function jsonFormat(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return JSON_FORMAT;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : JSON_FORMAT;
  } catch {
    return JSON_FORMAT;
  }
}

/** Tracing of a proxy on one side; undefined when nothing collects spans. */
export function tracing(snapshot: MeshSnapshot, proxy: ProxyDescription, mode: TelemetryMode): HttpConnectionManager_Tracing | undefined {
  const { meshConfig } = snapshot;
  const settings = telemetriesFor(snapshot, proxy).flatMap((record) => record.spec.tracing ?? []).filter((entry) => appliesTo(entry.match?.mode, mode));
  const disabled = settings.findLast((entry) => entry.disableSpanReporting !== undefined)?.disableSpanReporting ?? false;
  const collector = zipkinCollector(snapshot, settings.findLast((entry) => entry.providers?.length)?.providers?.map(({ name }) => name) ?? meshConfig.defaultProviders.tracing);
  if (disabled || !collector) return undefined;
  const defaults = meshConfig.defaultConfig.tracing;
  const sampling = settings.findLast((entry) => entry.randomSamplingPercentage !== undefined)?.randomSamplingPercentage ?? defaults?.sampling ?? 1;
  const customTags = { ...defaults?.customTags, ...settings.findLast((entry) => entry.customTags)?.customTags };
  return {
    clientSampling: { value: 100 },
    randomSampling: { value: sampling },
    overallSampling: { value: 100 },
    ...(defaults?.maxPathTagLength ? { maxPathTagLength: defaults.maxPathTagLength } : {}),
    customTags: [...istioTags(proxy), ...Object.entries(customTags).sort(([left], [right]) => (left < right ? -1 : 1)).flatMap(([tag, source]) => customTag(tag, source))],
    provider: { name: 'envoy.tracers.zipkin', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.config.trace.v3.ZipkinConfig', ZipkinConfig, collector) } },
  };
}

/** The Zipkin collector: a provider that Telemetry or the mesh names, else the address in the default proxy configuration. */
function zipkinCollector(snapshot: MeshSnapshot, names: readonly string[]): ZipkinConfig | undefined {
  const shared: ZipkinConfig = { traceId128bit: true, sharedSpanContext: false, collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON };
  for (const name of names) {
    const zipkin = providerOf(snapshot.meshConfig, name)?.zipkin;
    if (!zipkin) continue;
    const host = resolveHost(zipkin.service.split('/').at(-1) ?? '', snapshot.rootNamespace, snapshot.domain);
    return { ...shared, collectorCluster: outboundClusterName(clusterHost(snapshot, host), zipkin.port), collectorHostname: `${host}:${zipkin.port}`, collectorEndpoint: zipkin.path ?? '/api/v2/spans' };
  }
  const address = snapshot.meshConfig.defaultConfig.tracing?.zipkin?.address;
  if (!address || !snapshot.meshConfig.enableTracing) return undefined;
  const { host, port, known } = collectorAddress(snapshot, address);
  return { ...shared, collectorCluster: known ? outboundClusterName(host, port) : ZIPKIN_CLUSTER, collectorHostname: address, collectorEndpoint: '/api/v2/spans' };
}

/** Host and port of the collector that the default proxy configuration names, and whether the registry knows it. */
function collectorAddress(snapshot: MeshSnapshot, address: string): { readonly host: string; readonly port: number; readonly known: boolean } {
  const colon = address.lastIndexOf(':');
  const host = clusterHost(snapshot, resolveHost(colon < 0 ? address : address.slice(0, colon), snapshot.rootNamespace, snapshot.domain));
  return { host, port: colon < 0 ? 9411 : Number(address.slice(colon + 1)), known: registryHosts(snapshot).has(host) };
}

/** Host and port of a collector outside the registry, which needs a cluster of its own. */
export function unregisteredCollector(snapshot: MeshSnapshot): { readonly host: string; readonly port: number } | undefined {
  const address = snapshot.meshConfig.defaultConfig.tracing?.zipkin?.address;
  if (!address || !snapshot.meshConfig.enableTracing) return undefined;
  const collector = collectorAddress(snapshot, address);
  return collector.known ? undefined : collector;
}

const hostSets = new WeakMap<object, ReadonlySet<string>>();

function registryHosts(snapshot: MeshSnapshot): ReadonlySet<string> {
  let hosts = hostSets.get(snapshot.services);
  if (!hosts) hostSets.set(snapshot.services, (hosts = new Set([...snapshot.services.values()].map((service) => service.host))));
  return hosts;
}

/** A collector may be named in a short form, `zipkin.istio-system` or `zipkin.istio-system.svc`; the cluster has the full name. */
function clusterHost(snapshot: MeshSnapshot, host: string): string {
  const hosts = registryHosts(snapshot);
  return [host, `${host}.${snapshot.domain}`, `${host}.svc.${snapshot.domain}`].find((candidate) => hosts.has(candidate)) ?? host;
}

function istioTags(proxy: ProxyDescription): CustomTag[] {
  const { labels, metadata, namespace, workloadName } = proxy;
  const name = labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? (workloadName || 'unknown');
  const revision = labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels['version'] ?? 'latest';
  const literal = (tag: string, value: string): CustomTag => ({ tag, type: { $case: 'literal', literal: { value } } });
  return [literal('istio.canonical_revision', revision), literal('istio.canonical_service', name), literal('istio.cluster_id', metadata.clusterId), literal('istio.mesh_id', metadata.meshId || 'cluster.local'), literal('istio.namespace', namespace)];
}

function customTag(tag: string, source: {
  readonly literal?: { readonly value: string } | undefined;
  readonly environment?: { readonly name: string; readonly defaultValue?: string | undefined } | undefined;
  readonly header?: { readonly name: string; readonly defaultValue?: string | undefined } | undefined;
}): CustomTag[] {
  if (source.literal) return [{ tag, type: { $case: 'literal', literal: { value: source.literal.value } } }];
  if (source.environment) return [{ tag, type: { $case: 'environment', environment: { name: source.environment.name, defaultValue: source.environment.defaultValue ?? '' } } }];
  if (source.header) return [{ tag, type: { $case: 'requestHeader', requestHeader: { name: source.header.name, defaultValue: source.header.defaultValue ?? '' } } }];
  return [];
}
