// Sends a small request of the proxy's own (spans) to an endpoint of a cluster in force, in plain HTTP, past the data plane.
import { request } from 'node:http';
import type { ClusterConfig, EndpointConfig, RuntimeConfig } from './config/index.ts';
import type { SendToCluster } from './telemetry/index.ts';

/** A sender over the configuration that `current` gives. */
export function clusterSender(current: () => RuntimeConfig): SendToCluster {
  return async ({ cluster: name, path, host, contentType, body }) => {
    const config = current();
    const cluster = config.clusters[name];
    if (!cluster) throw new Error(`there is no cluster ${name}`);
    const endpoint = pick(cluster, config);
    if (endpoint?.address.kind !== 'socket') throw new Error(`cluster ${name} has no healthy endpoint with an address`);
    await post(endpoint.address.address, endpoint.address.port, path, host, contentType, body);
  };
}

function pick(cluster: ClusterConfig, config: RuntimeConfig): EndpointConfig | undefined {
  const endpoints = (cluster.staticEndpoints ?? config.endpoints[cluster.endpointsName])?.localities.flatMap((locality) => locality.endpoints).filter((endpoint) => endpoint.health === 'healthy') ?? [];
  return endpoints[Math.floor(Math.random() * endpoints.length)];
}

function post(address: string, port: number, path: string, host: string, contentType: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const sent = request({ host: address, port, path, method: 'POST', agent: false, timeout: 5000, headers: { host, 'content-type': contentType, 'content-length': bytes.length, connection: 'close' } }, (response) => {
      response.resume();
      response.on('end', () => ((response.statusCode ?? 500) < 300 ? resolve() : reject(new Error(`the collector answered ${response.statusCode ?? 0}`))));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('the collector did not answer in time')));
    sent.on('error', reject);
    sent.end(bytes);
  });
}
