// The mesh configuration (Istio's MeshConfig) that a control plane reads: its spec's own fields, and techPreview.meshConfig under them.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import type { Facts } from './facts.ts';
import { isData, mergeMissing } from './profiles.ts';

type Data = Record<string, unknown>;

/** Name of the control plane's Service with its namespace. */
export function discoveryHost(facts: Facts): string {
  return `istiod-${facts.name}.${facts.namespace}.svc`;
}

/** The MeshConfig for `spec`, the effective one. */
export function buildMeshConfig(spec: ControlPlaneSpec, facts: Facts): Data {
  const own = withoutUndefined({
    rootNamespace: facts.namespace,
    trustDomain: spec.security?.trust?.domain,
    trustDomainAliases: spec.security?.trust?.additionalDomains,
    enableAutoMtls: spec.security?.dataPlane?.automtls,
    enableTracing: spec.tracing?.type !== undefined && spec.tracing.type !== 'None',
    enablePrometheusMerge: spec.addons?.prometheus?.scrape,
    ingressControllerMode: 'OFF',
    dnsRefreshRate: spec.proxy?.networking?.dns?.refreshRate,
    protocolDetectionTimeout: spec.proxy?.networking?.protocol?.autoDetect?.timeout,
    outboundTrafficPolicy: { mode: spec.proxy?.networking?.trafficControl?.outbound?.policy ?? 'ALLOW_ANY' },
    accessLogFile: spec.proxy?.accessLogging?.file?.name,
    accessLogEncoding: spec.proxy?.accessLogging?.file?.encoding,
    accessLogFormat: spec.proxy?.accessLogging?.file?.format,
    discoverySelectors: spec.meshConfig?.discoverySelectors,
    extensionProviders: spec.meshConfig?.extensionProviders,
    meshMTLS: withoutUndefined({ minProtocolVersion: tlsVersion(spec.security?.controlPlane?.tls?.minProtocolVersion) }),
    defaultConfig: defaultProxyConfig(spec, facts),
  });
  const preview = spec.techPreview?.['meshConfig'];
  const raw = isData(preview) ? preview : {};
  // techPreview.meshConfig.defaultConfig is where interception mode NONE and its port are asked for, so there it wins.
  const merged = mergeMissing(own, raw) as Data;
  return isData(raw['defaultConfig']) ? { ...merged, defaultConfig: mergeMissing(raw['defaultConfig'], own['defaultConfig'] as Data) } : merged;
}

function defaultProxyConfig(spec: ControlPlaneSpec, facts: Facts): Data {
  const sampling = spec.tracing?.sampling;
  return withoutUndefined({
    discoveryAddress: `${discoveryHost(facts)}:15012`,
    meshId: spec.security?.trust?.domain,
    concurrency: spec.proxy?.concurrency,
    proxyAdminPort: spec.proxy?.adminPort,
    interceptionMode: spec.proxy?.networking?.trafficControl?.inbound?.interceptionMode,
    proxyMetadata: spec.proxy?.runtime?.container?.env,
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
