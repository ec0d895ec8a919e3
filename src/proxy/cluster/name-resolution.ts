// Resolves the endpoint names of strict_dns and logical_dns clusters again and again; a failed look-up keeps what was known.
import { isIP } from 'node:net';
import type { ClusterConfig, EndpointConfig, EndpointsConfig } from '../config/runtime-config.ts';
import { lookUp } from './look-up.ts';

const FIRST_RETRY_MILLISECONDS = 500;

/** Keeps the addresses of a cluster's names. */
export class NameResolution {
  readonly #config: ClusterConfig;
  readonly #onEndpoints: (endpoints: EndpointsConfig) => void;
  readonly #addresses = new Map<string, readonly string[]>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  warmed = false;

  constructor(config: ClusterConfig, onEndpoints: (endpoints: EndpointsConfig) => void) {
    this.#config = config;
    this.#onEndpoints = onEndpoints;
  }

  start(): void {
    const names = new Set<string>();
    for (const { endpoints } of this.#config.staticEndpoints?.localities ?? []) {
      for (const { address } of endpoints) if (address.kind === 'socket' && isIP(address.address) === 0) names.add(address.address);
    }
    if (names.size === 0) this.#publish();
    let waiting = names.size;
    let failed = false;
    for (const name of names) {
      lookUp(name, this.#config.dnsFamilies, (error, found) => {
        if (this.#closed) return;
        if (error) failed = true;
        else this.#addresses.set(name, found.toSorted());
        waiting -= 1;
        if (waiting > 0) return;
        this.#publish();
        this.#timer = setTimeout(() => this.start(), failed && !error ? FIRST_RETRY_MILLISECONDS : Math.max(FIRST_RETRY_MILLISECONDS, this.#config.dnsRefreshMilliseconds));
        this.#timer.unref();
      });
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #publish(): void {
    this.warmed = true;
    const configured = this.#config.staticEndpoints ?? { localities: [], overprovisioningPercent: 140, digest: '' };
    const localities = configured.localities.map((locality) => ({ ...locality, endpoints: locality.endpoints.flatMap((endpoint) => this.#resolve(endpoint)) }));
    this.#onEndpoints({ ...configured, localities, digest: JSON.stringify(localities) });
  }

  #resolve(endpoint: EndpointConfig): EndpointConfig[] {
    const { address } = endpoint;
    if (address.kind !== 'socket' || isIP(address.address) !== 0) return [endpoint];
    const addresses = this.#addresses.get(address.address) ?? [];
    const used = this.#config.discovery === 'logical_dns' ? addresses.slice(0, 1) : addresses;
    return used.map((resolved) => ({ ...endpoint, hostname: endpoint.hostname || address.address, address: { kind: 'socket', address: resolved, port: address.port } }));
  }
}
