// One endpoint of a cluster while it is known: its address, health, load and connection pools. Kept over configuration changes as long as the endpoint
// stays, so that its connections stay too.
import type { AddressConfig, EndpointConfig } from '../config/runtime-config.ts';
import { formatAddress } from '../net/address.ts';

/** Connections to a host, kept by proxy/upstream. */
export interface HostPool {
  /** Takes no new streams and closes when the last is over. */
  drain(): void;
  /** Ends everything now. */
  close(): void;
}

/** Takes the chosen host, at once or when its name is resolved; null when there is none. With it comes the cluster that it belongs to, which for an aggregate cluster is another one. */
export interface HostReceiver<C> {
  onHost(host: Host | null, of: C): void;
}

/** What outlier detection remembers of a host. */
export interface OutlierRecord {
  consecutive5xx: number;
  consecutiveGatewayFailure: number;
  consecutiveLocalOriginFailure: number;
  /** Ejections that count for the length of the next one. */
  ejections: number;
  ejectedAtMilliseconds: number;
  jitterMilliseconds: number;
  /** Answers of the running interval, and those that were no failure. */
  requests: number;
  successes: number;
  localRequests: number;
  localSuccesses: number;
}

/** An endpoint. */
export class Host {
  /** What identifies it: address and transport metadata. */
  readonly key: string;
  readonly address: AddressConfig;
  /** `address:port`, or the internal listener's name. */
  readonly addressText: string;
  readonly pools = new Map<string, HostPool>();
  endpoint: EndpointConfig;
  locality = '';
  priority = 0;
  activeRequests = 0;
  connections = 0;
  requestsTotal = 0;
  requestsFailed = 0;
  removed = false;
  /** It was asked in HTTP/2 and did not understand. */
  speaksHttp1Only = false;
  /** Ejected by outlier detection. */
  ejected = false;
  outliers: OutlierRecord | null = null;
  /** What active health checks found; `unknown` where nobody checks. */
  checked: 'unknown' | 'pending' | 'healthy' | 'degraded' | 'failed' | 'excluded' = 'unknown';
  /** Discovery no longer names it, and it stays while its health checks succeed. */
  pendingRemoval = false;
  /** Since when it may be used: it came, or its health checks began to succeed. */
  usableSinceMilliseconds: number;

  constructor(endpoint: EndpointConfig, address: AddressConfig, now: number) {
    this.endpoint = endpoint;
    this.address = address;
    this.addressText = addressText(address);
    this.key = hostKey(endpoint, address);
    this.usableSinceMilliseconds = now;
  }

  /** Its weight in its locality, 1 at least. */
  get weight(): number {
    return Math.max(1, this.endpoint.weight);
  }

  get healthy(): boolean {
    return this.endpoint.health === 'healthy' && this.#usable && this.checked !== 'degraded';
  }

  get degraded(): boolean {
    const { health } = this.endpoint;
    return this.#usable && (health === 'degraded' || (health === 'healthy' && this.checked === 'degraded'));
  }

  /** It is counted neither among the usable hosts nor among all. */
  get excluded(): boolean {
    return this.checked === 'excluded';
  }

  get #usable(): boolean {
    return !this.ejected && (this.checked === 'unknown' || this.checked === 'healthy' || this.checked === 'degraded');
  }

  /** Ends its connections now. */
  closeConnections(): void {
    for (const pool of this.pools.values()) pool.close();
    this.pools.clear();
  }

  /** Takes no new streams and closes idle connections. */
  retire(): void {
    this.removed = true;
    for (const pool of this.pools.values()) pool.drain();
    this.pools.clear();
  }
}

/** `address:port`, or the internal listener's name. */
export function addressText(address: AddressConfig): string {
  return address.kind === 'socket' ? formatAddress(address.address, address.port) : `internal/${address.listener}`;
}

/** What identifies an endpoint from one configuration to the next. */
export function hostKey(endpoint: EndpointConfig, address: AddressConfig): string {
  const match = Object.entries(endpoint.transportSocketMatch);
  return match.length === 0 ? addressText(address) : `${addressText(address)} ${JSON.stringify(match)}`;
}
