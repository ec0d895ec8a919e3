// Endpoints of a cluster (envoy.config.endpoint.v3.ClusterLoadAssignment), from EDS or inside a cluster.
import type { Result, Issue } from '../../shared/lib/index.ts';
import type { Locality, Metadata } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { HealthStatus } from '../../shared/xds/generated/envoy/config/core/v3/health_check.ts';
import type { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import type { Endpoint_HealthCheckConfig, LbEndpoint, LocalityLbEndpoints } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint_components.ts';
import { digestOf } from './digest.ts';
import { Findings } from './findings.ts';
import type { EndpointConfig, EndpointsConfig, LocalityEndpointsConfig } from './runtime-config.ts';
import { listFields, textFields } from './subsets.ts';
import { address, isIpAddress } from './values.ts';

/** An EDS resource. Its addresses are IP addresses. */
export function compileEndpoints(message: ClusterLoadAssignment, warnings?: Issue[]): Result<EndpointsConfig, Issue[]> {
  const findings = new Findings('ClusterLoadAssignment', message.clusterName ?? '');
  if ((message.clusterName ?? '') === '') findings.refuse('cluster_name', 'A cluster name is needed.');
  return findings.result(endpoints(message, '', findings, false), warnings);
}

/** Endpoints inside another message; with `names` an address may be a host name. */
export function endpoints(message: ClusterLoadAssignment, path: string, findings: Findings, names: boolean): EndpointsConfig {
  const at = path === '' ? '' : `${path}.`;
  if ((message.policy?.dropOverloads ?? []).length > 0) findings.refuse(`${at}policy.drop_overloads`, 'Dropping a share of the requests is not supported by this proxy.');
  const localities = (message.endpoints ?? []).map((locality, index) => localityEndpoints(locality, `${at}endpoints[${index}]`, findings, names));
  const overprovisioningPercent = message.policy?.overprovisioningFactor ?? 140;
  return { localities, overprovisioningPercent, digest: digestOf([localities, overprovisioningPercent]) };
}

function localityEndpoints(message: LocalityLbEndpoints, path: string, findings: Findings, names: boolean): LocalityEndpointsConfig {
  if (message.lbConfig) findings.refuse(`${path}.lb_config`, 'Endpoints outside lb_endpoints are not supported by this proxy.');
  return {
    locality: localityName(message.locality),
    priority: message.priority ?? 0,
    // Without a weight a locality gets nothing where localities are weighted.
    weight: message.loadBalancingWeight ?? 0,
    endpoints: (message.lbEndpoints ?? []).map((endpoint, index) => endpointConfig(endpoint, `${path}.lb_endpoints[${index}]`, findings, names)),
  };
}

function localityName(locality: Locality | undefined): string {
  return [locality?.region ?? '', locality?.zone ?? '', locality?.subZone ?? ''].join('/').replace(/\/+$/, '');
}

function endpointConfig(message: LbEndpoint, path: string, findings: Findings, names: boolean): EndpointConfig {
  const host = message.hostIdentifier;
  if (host?.$case !== 'endpoint') findings.refuse(path, 'An endpoint with an address is needed.');
  const endpoint = host?.$case === 'endpoint' ? host.endpoint : {};
  const target = address(endpoint.address, `${path}.endpoint.address`, findings);
  if (!names && target.kind === 'socket' && target.address !== '' && !isIpAddress(target.address)) {
    findings.refuse(`${path}.endpoint.address`, `${JSON.stringify(target.address)} is not an IP address. Use a cluster of type STRICT_DNS for host names.`);
  }
  return {
    address: target,
    hostname: endpoint.hostname ?? '',
    weight: message.loadBalancingWeight ?? 1,
    health: healthOf(message.healthStatus ?? HealthStatus.UNKNOWN),
    transportSocketMatch: strings(message.metadata, 'envoy.transport_socket_match'),
    workload: strings(message.metadata, 'istio')['workload'] ?? '',
    labels: strings(message.metadata, 'envoy.lb'),
    ...lists(message.metadata),
    ...(endpoint.healthCheckConfig ? { healthCheck: healthCheckOf(endpoint.healthCheckConfig, `${path}.endpoint.health_check_config`, findings) } : {}),
  };
}

function lists(metadata: Metadata | undefined): Pick<EndpointConfig, 'labelLists'> {
  const found = listFields(metadata?.filterMetadata?.['envoy.lb'] ?? {});
  return Object.keys(found).length > 0 ? { labelLists: found } : {};
}

function healthCheckOf(message: Endpoint_HealthCheckConfig, path: string, findings: Findings): NonNullable<EndpointConfig['healthCheck']> {
  const target = message.address ? address(message.address, `${path}.address`, findings) : null;
  if (target && target.kind !== 'socket') findings.refuse(`${path}.address`, 'A socket address is needed.');
  return { address: target?.kind === 'socket' ? target.address : null, port: target?.kind === 'socket' ? target.port : message.portValue ?? 0, hostname: message.hostname ?? '', disabled: message.disableActiveHealthCheck ?? false };
}

/** What a status that discovery tells means. */
export function healthOf(status: HealthStatus): EndpointConfig['health'] {
  switch (status) {
    case HealthStatus.UNHEALTHY:
    case HealthStatus.TIMEOUT: return 'unhealthy';
    case HealthStatus.DRAINING: return 'draining';
    case HealthStatus.DEGRADED: return 'degraded';
    default: return 'healthy';
  }
}

/** The text values of one filter's metadata; booleans and numbers as text. */
export function strings(metadata: Metadata | undefined, filter: string): Readonly<Record<string, string>> {
  return textFields(metadata?.filterMetadata?.[filter] ?? {});
}
