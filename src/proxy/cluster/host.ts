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

/** Takes the chosen host, at once or when its name is resolved; null when there is none. */
export interface HostReceiver {
  onHost(host: Host | null): void;
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
  consecutive5xx = 0;
  consecutiveGatewayFailure = 0;
  consecutiveLocalOriginFailure = 0;
  ejections = 0;
  ejectedAtMilliseconds = 0;
  readonly addedAtMilliseconds: number;

  constructor(endpoint: EndpointConfig, address: AddressConfig, now: number) {
    this.endpoint = endpoint;
    this.address = address;
    this.addressText = addressText(address);
    this.key = hostKey(endpoint, address);
    this.addedAtMilliseconds = now;
  }

  /** What consistent hashing hashes. */
  get hashKey(): string {
    return this.endpoint.labels['hash_key'] ?? this.addressText;
  }

  get healthy(): boolean {
    return this.endpoint.health === 'healthy' && !this.ejected;
  }

  get degraded(): boolean {
    return this.endpoint.health === 'degraded' && !this.ejected;
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
