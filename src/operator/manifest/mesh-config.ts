// The mesh configuration (Istio's MeshConfig) that a control plane reads: its spec's own fields, and techPreview.meshConfig under them.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { Facts } from './facts.ts';
import { at } from './field.ts';
import { isData, mergeMissing } from './profiles.ts';

type Data = Record<string, unknown>;

/** Name of the control plane's Service with its namespace. */
export function discoveryHost(facts: Facts): string {
  return `istiod-${facts.name}.${facts.namespace}.svc`;
}

/** The mesh's trust domain. */
export function trustDomainOf(spec: ControlPlaneSpec): string {
  return at(spec.security, 'trust', 'domain') ?? 'cluster.local';
}

/** The cluster's own DNS domain. */
export function clusterDomainOf(spec: ControlPlaneSpec): string {
  return at(spec.proxy, 'networking', 'clusterDomain') ?? 'cluster.local';
}

/** The MeshConfig for `spec`, the effective one. */
export function buildMeshConfig(spec: ControlPlaneSpec, facts: Facts): Data {
  const { proxy, security, tracing, addons, meshConfig } = spec;
  const own = withoutUndefined({
    rootNamespace: facts.namespace,
    trustDomain: at(security, 'trust', 'domain'),
    trustDomainAliases: at(security, 'trust', 'additionalDomains'),
    enableAutoMtls: at(security, 'dataPlane', 'automtls'),
    enableTracing: !['None', undefined].includes(at(tracing, 'type')),
    enablePrometheusMerge: at(addons, 'prometheus', 'scrape'),
    ingressControllerMode: 'OFF',
    dnsRefreshRate: at(proxy, 'networking', 'dns', 'refreshRate'),
    outboundTrafficPolicy: { mode: at(proxy, 'networking', 'trafficControl', 'outbound')?.policy ?? 'ALLOW_ANY' },
    accessLogFile: at(proxy, 'accessLogging', 'file', 'name'),
    accessLogEncoding: at(proxy, 'accessLogging', 'file', 'encoding'),
    accessLogFormat: at(proxy, 'accessLogging', 'file', 'format'),
    extensionProviders: at(meshConfig, 'extensionProviders'),
    meshMTLS: withoutUndefined({ minProtocolVersion: tlsVersion(at(security, 'controlPlane', 'tls', 'minProtocolVersion')) }),
    defaultConfig: defaultProxyConfig(spec, facts),
  });
  const preview = spec.techPreview?.['meshConfig'];
  const raw = isData(preview) ? preview : {};
  // techPreview.meshConfig.defaultConfig is where interception mode NONE and its port are asked for, so there it wins.
  const merged = mergeMissing(own, raw) as Data;
  return isData(raw['defaultConfig']) ? { ...merged, defaultConfig: mergeMissing(raw['defaultConfig'], own['defaultConfig'] as Data) } : merged;
}

function defaultProxyConfig({ proxy, security, tracing }: ControlPlaneSpec, facts: Facts): Data {
  const sampling = at(tracing, 'sampling');
  return withoutUndefined({
    discoveryAddress: `${discoveryHost(facts)}:15012`,
    meshId: at(security, 'trust', 'domain'),
    concurrency: at(proxy, 'concurrency'),
    proxyAdminPort: at(proxy, 'adminPort'),
    interceptionMode: at(proxy, 'networking', 'trafficControl', 'inbound')?.interceptionMode,
    proxyMetadata: at(proxy, 'runtime', 'container', 'env'),
    tracing: sampling === undefined ? undefined : { sampling: sampling / 100 },
  });
}

function tlsVersion(version: string | undefined): string | undefined {
  return version?.replace(/^TLSv(\d)_(\d)$/, 'TLSV$1_$2');
}

/** The map without absent fields, and without maps that have nothing in them. */
export function withoutUndefined(data: Data): Data {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined && !(isData(value) && Object.keys(value).length === 0)));
}
