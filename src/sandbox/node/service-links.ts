// The variables by which a container finds the Services of its namespace, as the kubelet sets them (`enableServiceLinks`).
import type { StoredObject } from '../api-server/internal-client.ts';

/** The variables for these Services; those without a cluster address have none. */
export function serviceLinks(services: readonly StoredObject[]): Record<string, string> {
  return Object.assign({}, ...services.map(linksOf)) as Record<string, string>;
}

function linksOf({ metadata, spec }: StoredObject): Record<string, string> {
  const [first] = spec?.ports ?? [];
  const address: string | undefined = spec?.clusterIP;
  if (!address || address === 'None' || !first) return {};
  const name = variableName(metadata.name);
  const links: Record<string, string> = { [`${name}_SERVICE_HOST`]: address, [`${name}_SERVICE_PORT`]: String(first.port) };
  for (const [index, port] of spec.ports.entries()) {
    const protocol = String(port.protocol ?? 'TCP');
    const url = `${protocol.toLowerCase()}://${address}:${port.port}`;
    const prefix = `${name}_PORT_${port.port}_${protocol}`;
    if (port.name) links[`${name}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
    if (index === 0) links[`${name}_PORT`] = url;
    Object.assign(links, { [prefix]: url, [`${prefix}_PROTO`]: protocol.toLowerCase(), [`${prefix}_PORT`]: String(port.port), [`${prefix}_ADDR`]: address });
  }
  return links;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
