// Hosts that are not configured but named by each request or connection: dynamic_forward_proxy resolves a name, original_dst takes an address. Unused
// ones are forgotten.
import { isIP } from 'node:net';
import type { ClusterConfig, EndpointConfig } from '../config/runtime-config.ts';
import { formatAddress } from '../net/address.ts';
import { Host } from './host.ts';
import { lookUp } from './look-up.ts';

const SWEEP_MILLISECONDS = 30_000;
/** How long a resolved name is used. */
const RESOLVED_MILLISECONDS = 60_000;
const MAXIMUM_HOSTS = 1024;

interface Known { host: Host; usedAt: number; resolvedAt: number }

/** Takes a host, at once or when its name is resolved. */
export interface NamedHostReceiver {
  onHost(host: Host | null): void;
}

/** The hosts that were asked for lately. */
export class DynamicHosts {
  readonly #byName: boolean;
  readonly #families: ClusterConfig['dnsFamilies'];
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new Map<string, NamedHostReceiver[]>();
  readonly #timer: NodeJS.Timeout;

  constructor(byName: boolean, families: ClusterConfig['dnsFamilies'], now: () => number) {
    this.#byName = byName;
    this.#families = families;
    this.#now = now;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MILLISECONDS);
    this.#timer.unref();
  }

  *hosts(): Iterable<Host> {
    for (const { host } of this.#known.values()) yield host;
  }

  /** The host at `name:port`, once it is resolved. */
  find(name: string, port: number, receiver: NamedHostReceiver): void {
    const key = formatAddress(name, port);
    const known = this.#known.get(key);
    const now = this.#now();
    if (known && (!this.#byName || isIP(name) !== 0 || now - known.resolvedAt < RESOLVED_MILLISECONDS)) {
      known.usedAt = now;
      receiver.onHost(known.host);
    } else if (isIP(name) !== 0) receiver.onHost(this.#add(key, name, name, port));
    else if (this.#byName) this.#resolve(key, name, port, receiver);
    else receiver.onHost(null);
  }

  #resolve(key: string, name: string, port: number, receiver: NamedHostReceiver): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.push(receiver);
      return;
    }
    this.#waiting.set(key, [receiver]);
    lookUp(name, this.#families, (error, [address]) => {
      const receivers = this.#waiting.get(key) ?? [];
      this.#waiting.delete(key);
      const host = error || address === undefined ? (this.#known.get(key)?.host ?? null) : this.#add(key, name, address, port);
      for (const one of receivers) one.onHost(host);
    });
  }

  #add(key: string, name: string, address: string, port: number): Host {
    const now = this.#now();
    const before = this.#known.get(key);
    if (before && before.host.address.kind === 'socket' && before.host.address.address === address) {
      before.resolvedAt = now;
      before.usedAt = now;
      return before.host;
    }
    before?.host.retire();
    if (this.#known.size >= MAXIMUM_HOSTS) this.#forgetOldest();
    const endpoint: EndpointConfig = { address: { kind: 'socket', address, port }, hostname: name, weight: 1, health: 'healthy', transportSocketMatch: {}, workload: '', labels: {} };
    const host = new Host(endpoint, endpoint.address, now);
    this.#known.set(key, { host, usedAt: now, resolvedAt: now });
    return host;
  }

  /** Makes room: names come from requests, so their number must not. */
  #forgetOldest(): void {
    this.#sweep();
    let oldest: Known | null = null;
    let oldestKey = '';
    if (this.#known.size >= MAXIMUM_HOSTS) {
      for (const [key, known] of this.#known) if (oldest === null || known.usedAt < oldest.usedAt) [oldest, oldestKey] = [known, key];
    }
    oldest?.host.retire();
    this.#known.delete(oldestKey);
  }

  #sweep(): void {
    const limit = this.#now() - SWEEP_MILLISECONDS;
    for (const [key, { host, usedAt }] of this.#known) {
      if (host.activeRequests > 0 || usedAt > limit) continue;
      host.retire();
      this.#known.delete(key);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { host } of this.#known.values()) host.retire();
    this.#known.clear();
  }
}
