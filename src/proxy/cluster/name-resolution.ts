// Resolves the endpoint names of strict_dns and logical_dns clusters again and again, each name by its own clock; a failed look-up keeps what was known.
import { isIP } from 'node:net';
import { backoffPause } from './failure-pause.ts';
import type { ClusterConfig, EndpointConfig, EndpointsConfig } from '../config/runtime-config.ts';
import { lookUp, timeToLive } from './look-up.ts';

const FIRST_RETRY_MILLISECONDS = 500;
/** No name is asked for more often than this, whatever its records or the configuration say. */
const SHORTEST_MILLISECONDS = 500;

/** One name and what is known of it. */
interface KnownName { addresses: readonly string[] | null; answered: boolean; failures: number; timer: NodeJS.Timeout | null }

/** What it needs of its cluster. */
export interface ResolutionCallbacks {
  onEndpoints(endpoints: EndpointsConfig): void;
  count(what: string): void;
  random(): number;
}

/** Keeps the addresses of a cluster's names. */
export class NameResolution {
  readonly #config: ClusterConfig;
  readonly #callbacks: ResolutionCallbacks;
  readonly #names = new Map<string, KnownName>();
  #closed = false;
  warmed = false;

  constructor(config: ClusterConfig, callbacks: ResolutionCallbacks) {
    this.#config = config;
    this.#callbacks = callbacks;
  }

  start(): void {
    for (const { endpoints } of this.#config.staticEndpoints?.localities ?? []) {
      for (const { address } of endpoints) if (address.kind === 'socket' && isIP(address.address) === 0) this.#names.set(address.address, { addresses: null, answered: false, failures: 0, timer: null });
    }
    if (this.#names.size === 0) this.#publish();
    for (const [name, known] of this.#names) this.#resolve(name, known);
  }

  #resolve(name: string, known: KnownName): void {
    this.#callbacks.count('update_attempt');
    lookUp(name, this.#config.dnsFamilies, (error, found) => {
      if (this.#closed) return;
      known.answered = true;
      if (error) {
        known.failures += 1;
        this.#callbacks.count('update_failure');
        this.#again(name, known, this.#failurePause(known));
      } else {
        known.failures = 0;
        known.addresses = found.toSorted();
        this.#callbacks.count('update_success');
        this.#afterSuccess(name, known);
      }
      if ([...this.#names.values()].every(({ answered }) => answered)) this.#publish();
    });
  }

  /** The next look-up comes when the records expire, where that is wanted and they tell it. */
  #afterSuccess(name: string, known: KnownName): void {
    const { respectDnsTtl, dnsRefreshMilliseconds } = this.#config;
    this.#again(name, known, dnsRefreshMilliseconds);
    if (!respectDnsTtl) return;
    timeToLive(name, (seconds) => {
      if (!this.#closed && seconds > 0) this.#again(name, known, seconds * 1000);
    });
  }

  #failurePause({ failures }: KnownName): number {
    const { dnsFailureRefresh, dnsRefreshMilliseconds } = this.#config;
    if (dnsFailureRefresh) return backoffPause(dnsFailureRefresh, failures, this.#callbacks.random());
    // A name that never answered is worth an early second look.
    return failures === 1 ? FIRST_RETRY_MILLISECONDS : dnsRefreshMilliseconds;
  }

  #again(name: string, known: KnownName, milliseconds: number): void {
    if (known.timer) clearTimeout(known.timer);
    known.timer = setTimeout(() => this.#resolve(name, known), Math.max(SHORTEST_MILLISECONDS, milliseconds));
    known.timer.unref();
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#names.values()) if (timer) clearTimeout(timer);
  }

  #publish(): void {
    this.warmed = true;
    const configured = this.#config.staticEndpoints ?? { localities: [], overprovisioningPercent: 140, digest: '' };
    const localities = configured.localities.map((locality) => ({ ...locality, endpoints: locality.endpoints.flatMap((endpoint) => this.#addressesOf(endpoint)) }));
    this.#callbacks.onEndpoints({ ...configured, localities, digest: JSON.stringify(localities) });
  }

  #addressesOf(endpoint: EndpointConfig): EndpointConfig[] {
    const { address } = endpoint;
    if (address.kind !== 'socket' || isIP(address.address) !== 0) return [endpoint];
    const addresses = this.#names.get(address.address)?.addresses ?? [];
    const used = this.#config.discovery === 'logical_dns' ? addresses.slice(0, 1) : addresses;
    return used.map((resolved) => ({ ...endpoint, hostname: endpoint.hostname || address.address, address: { kind: 'socket', address: resolved, port: address.port } }));
  }
}
