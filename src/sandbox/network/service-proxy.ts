// The service proxy of the node (kube-proxy's part): listens at every ClusterIP and NodePort and keeps the backends of
// each up to date from the EndpointSlices.
import type { CachedClient } from '../api-server/cached-client.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { LOW_PORT_SHIFT, isPodAddress, nodeAddress } from './addresses.ts';
import { PortListener } from './port-listener.ts';
import { backendsByPort } from './service-backends.ts';

const SERVICES = { group: '', resource: 'services' };
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', resource: 'endpointslices' };
const SERVICE_NAME = 'kubernetes.io/service-name';
// A port that has just been let go of is free a moment later; one that stays taken is somebody else's.
const FIRST_RETRY_MILLISECONDS = 20;
const LAST_RETRY_MILLISECONDS = 1000;

interface Listening {
  readonly listener: PortListener;
  readonly service: string;
  retry?: NodeJS.Timeout;
}

/** What the service proxy needs. */
export interface ServiceProxyOptions {
  readonly client: CachedClient;
  readonly slot: number;
  readonly onError: (error: unknown) => void;
}

/** Listens for the services of a cluster. */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #listening = new Map<string, Listening>();
  readonly #dirty = new Set<string>();
  readonly #stops: (() => void)[];
  #scheduled = false;
  #stopped = false;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    const mark = (key: (object: StoredObject) => string) => (object: StoredObject | undefined, previous: StoredObject | undefined): void => {
      if (object) this.#mark(key(object));
      if (previous) this.#mark(key(previous));
    };
    this.#stops = [
      options.client.table(SERVICES).subscribe(mark((service) => `${service.metadata.namespace ?? ''}/${service.metadata.name}`)),
      options.client.table(ENDPOINT_SLICES).subscribe(mark((slice) => `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`)),
    ];
  }

  /** Stops listening and cuts every connection. */
  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stops) stop();
    for (const [id, listening] of this.#listening) this.#close(id, listening, true);
  }

  #mark(service: string): void {
    this.#dirty.add(service);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const services = [...this.#dirty];
      this.#dirty.clear();
      if (!this.#stopped) for (const key of services) this.#sync(key);
    });
  }

  #sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    const service = this.#options.client.table(SERVICES).get(namespace, name);
    const wanted = service ? wantedListeners(service, this.#options.slot) : new Map<string, WantedPort>();
    for (const [id, listening] of this.#listening) if (listening.service === key && !wanted.has(id)) this.#close(id, listening, false);
    if (!service || wanted.size === 0) return;
    const slices = this.#options.client.table(ENDPOINT_SLICES).list(namespace).filter((slice) => slice.metadata.labels?.[SERVICE_NAME] === name);
    const backends = backendsByPort(slices);
    const affinity = service.spec.sessionAffinity === 'ClientIP' ? (service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * 1000 : 0;
    for (const [id, { portName, sourceFor }] of wanted) {
      const listening = this.#listening.get(id) ?? this.#open(id, key);
      if (listening.service !== key) continue;
      listening.listener.setTarget({ backends: backends.get(portName) ?? [], affinityMilliseconds: affinity, sourceFor });
    }
  }

  #open(id: string, service: string): Listening {
    const listening: Listening = { listener: new PortListener(), service };
    this.#listening.set(id, listening);
    this.#bind(id, listening);
    return listening;
  }

  #bind(id: string, listening: Listening, delay = FIRST_RETRY_MILLISECONDS): void {
    const colon = id.lastIndexOf(':');
    const port = Number(id.slice(colon + 1));
    listening.listener.listen(id.slice(0, colon), port).then(() => {
      // Closed while it was being opened.
      if (this.#listening.get(id) !== listening) listening.listener.close(true);
    }, (error: NodeJS.ErrnoException) => {
      // Without privilege a low port is only served at its shifted number, where the containers look for it.
      if (error.code === 'EACCES' && port < 1024) return;
      if (this.#listening.get(id) !== listening) return;
      if (delay === LAST_RETRY_MILLISECONDS) this.#options.onError(new Error(`SANDBOX_SERVICE_PORT: ${id} of service ${listening.service} cannot be served: ${error.message}. Free the port; it is tried again every second.`));
      listening.retry = setTimeout(() => this.#bind(id, listening, Math.min(LAST_RETRY_MILLISECONDS, delay * 4)), delay);
    });
  }

  #close(id: string, listening: Listening, cut: boolean): void {
    clearTimeout(listening.retry);
    this.#listening.delete(id);
    listening.listener.close(cut);
  }
}

interface WantedPort {
  readonly portName: string;
  readonly sourceFor: (client: string) => string | undefined;
}

/** The addresses to listen at for a service, `address:port`. */
function wantedListeners(service: StoredObject, slot: number): Map<string, WantedPort> {
  const wanted = new Map<string, WantedPort>();
  const { clusterIP, ports = [] } = service.spec ?? {};
  if (service.metadata.deletionTimestamp || service.spec?.type === 'ExternalName') return wanted;
  const node = nodeAddress(slot);
  // A pod is seen as itself behind a ClusterIP; behind a NodePort it is the node that is seen, unless the service says Local.
  const fromClusterIp = (client: string): string => (isPodAddress(slot, client) ? client : node);
  const fromNodePort = (client: string): string => (service.spec.externalTrafficPolicy === 'Local' && client.startsWith('127.') ? client : node);
  for (const port of ports as StoredObject['spec'][]) {
    if ((port.protocol ?? 'TCP') !== 'TCP') continue;
    const portName = port.name ?? '';
    // The service `kubernetes` has the node's address: the API server itself listens there.
    if (clusterIP && clusterIP !== 'None' && clusterIP !== node) {
      const entry = { portName, sourceFor: fromClusterIp };
      wanted.set(`${clusterIP}:${port.port}`, entry);
      if (port.port < 1024) wanted.set(`${clusterIP}:${port.port + LOW_PORT_SHIFT}`, entry);
    }
    if (port.nodePort) wanted.set(`${node}:${port.nodePort}`, { portName, sourceFor: fromNodePort });
  }
  return wanted;
}
