// The cluster around the API server: controllers, node, service proxy and name server, started in one go on its client.
import { startControllers } from './controllers/index.ts';
import { CachedClient } from './api-server/cached-client.ts';
import { EventRecorder } from './api-server/event-recorder.ts';
import type { InternalClient } from './api-server/internal-client.ts';
import { ClusterNames, DNS_PORT, DnsServer, PodAddresses, ServiceProxy, dnsAddress } from './network/index.ts';
import { SandboxNode, type ImageTable, type MountedToken, type NodeOptions } from './node/index.ts';

/** The name of the one node. */
export const NODE_NAME = 'mizzen-sandbox';

/** What the workloads are started with. */
export interface WorkloadOptions {
  readonly client: InternalClient;
  readonly slot: number;
  readonly directory: string;
  readonly images: ImageTable;
  readonly imageTags: Readonly<Record<string, readonly string[]>>;
  readonly containerViewPath: string;
  readonly restartBackoffMilliseconds: number;
  readonly requestToken: NodeOptions['requestToken'];
  readonly onError: (component: string, error: unknown) => void;
}

/** The running workload side of a sandbox. */
export interface Workloads {
  readonly node: SandboxNode;
  stop(): Promise<void>;
}

export type { ImageTable, MountedToken };

/** Starts the name server, the service proxy, the node and the controllers. */
export async function startWorkloads(options: WorkloadOptions): Promise<Workloads> {
  const { slot, onError } = options;
  const client = new CachedClient(options.client);
  const report = (component: string) => (error: unknown): void => onError(component, error);
  const names = new ClusterNames(client);
  const dns = new DnsServer((name, type) => names.resolve(name, type));
  await dns.listen(dnsAddress(slot), DNS_PORT);
  const proxy = new ServiceProxy({ client, slot, onError: report('service-proxy') });
  const node = new SandboxNode({
    client, slot, nodeName: NODE_NAME, directory: options.directory, images: options.images, imageTags: options.imageTags,
    events: new EventRecorder(client, 'kubelet', report('events')), addresses: new PodAddresses(slot),
    containerViewPath: options.containerViewPath, restartBackoffMilliseconds: options.restartBackoffMilliseconds,
    requestToken: options.requestToken, onError: report('node'),
  });
  await node.start();
  const stopControllers = startControllers({ client, events: new EventRecorder(client, 'controller-manager', report('events')), onError });
  return {
    node,
    stop: async () => {
      stopControllers();
      await node.stop();
      proxy.stop();
      dns.close();
      client.stop();
    },
  };
}
