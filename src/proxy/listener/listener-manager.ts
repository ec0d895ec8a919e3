// All listeners: adds, updates, moves and removes them as the configuration changes. A bad listener leaves the last good one at work.
import { describeError } from '../../shared/lib/index.ts';
import type { AddressConfig, ListenerConfig, RuntimeConfig } from '../config/runtime-config.ts';
import type { FilterServices } from '../filters/services.ts';
import type { InternalAccept, InternalListeners } from '../net/internal-listeners.ts';
import type { OriginalDestination } from '../net/original-destination.ts';
import type { SecretProvider } from '../net/secret-provider.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import { ActiveListener, type ListenerEnvironment } from './active-listener.ts';

/** A listener that is not in force as configured, and why. */
export interface ListenerRejection { readonly name: string; readonly error: string }

/** What the manager is made with. */
export interface ListenerManagerOptions {
  readonly services: FilterServices;
  readonly secrets: SecretProvider;
  readonly originalDestination: OriginalDestination;
  readonly transparent: TransparentSockets | null;
  readonly internal: InternalListeners;
  /** What connections have whose filter chain a change took away. */
  readonly drainMilliseconds: number;
  /** Told when a socket could not be bound, after `apply` has returned. */
  readonly onBindError: (rejection: ListenerRejection) => void;
}

interface Entry { readonly listener: ActiveListener; readonly accept: InternalAccept; bound: 'pending' | 'bound' | 'failed' | 'none' }

const RETRY_MILLISECONDS = 1000;

/** The listeners of a data plane. */
export class ListenerManager {
  readonly #options: ListenerManagerOptions;
  readonly #environment: ListenerEnvironment;
  readonly #entries = new Map<string, Entry>();
  /** Removed ones whose connections are still there. */
  readonly #leaving = new Set<ActiveListener>();
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
    this.#environment = {
      services: options.services, secrets: options.secrets, originalDestination: options.originalDestination, transparent: options.transparent, drainMilliseconds: options.drainMilliseconds,
      listenerAt: (address, port) => this.#listenerAt(address, port),
    };
  }

  /** Whether every socket is bound and every certificate there. */
  get ready(): boolean {
    for (const { bound, listener } of this.#entries.values()) if (bound === 'pending' || bound === 'failed' || !listener.warmed) return false;
    return true;
  }

  /** Resolves when no bind is under way. */
  settled(): Promise<void> {
    if (![...this.#entries.values()].some(({ bound }) => bound === 'pending')) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  get(name: string): ActiveListener | undefined {
    return this.#entries.get(name)?.listener;
  }

  all(): ActiveListener[] {
    return [...this.#entries.values()].map(({ listener }) => listener);
  }

  /** Brings the listeners to `config`. */
  apply(config: RuntimeConfig): ListenerRejection[] {
    const rejected: ListenerRejection[] = [];
    for (const [name, entry] of this.#entries) if (!config.listeners[name]) this.#remove(name, entry);
    for (const listener of Object.values(config.listeners)) {
      try {
        this.#applyOne(listener);
      } catch (error) {
        rejected.push({ name: listener.name, error: describeError(error) });
      }
    }
    return rejected;
  }

  #applyOne(config: ListenerConfig): void {
    const entry = this.#entries.get(config.name);
    if (!entry) {
      this.#add(config);
      return;
    }
    const { listener } = entry;
    if (listener.config.digest === config.digest) return;
    if (sameBinding(listener.config, config)) listener.update(config);
    else {
      // Compile first, so that a bad configuration leaves the old listener alone.
      const made = new ActiveListener(config, this.#environment);
      this.#remove(config.name, entry);
      this.#start(made);
    }
  }

  #add(config: ListenerConfig): void {
    this.#start(new ActiveListener(config, this.#environment));
  }

  #start(listener: ActiveListener): void {
    const { config } = listener;
    const accept: InternalAccept = (socket, peer) => listener.acceptInternal(socket, peer);
    const entry: Entry = { listener, accept, bound: 'none' };
    this.#entries.set(config.name, entry);
    if (config.address.kind === 'internal') this.#options.internal.register(config.address.listener === '' ? config.name : config.address.listener, accept);
    else if (config.bindToPort) this.#bind(entry);
  }

  #bind(entry: Entry): void {
    entry.bound = 'pending';
    const { listener } = entry;
    listener.listen((error) => {
      if (this.#closed || this.#entries.get(listener.config.name) !== entry) {
        listener.stopListening();
        return;
      }
      entry.bound = error ? 'failed' : 'bound';
      if (error) {
        this.#options.onBindError({ name: listener.config.name, error: `cannot listen on ${JSON.stringify(listener.config.address)}: ${error.message}; free the address or change the listener` });
        // The address may be held by a process that is on its way out.
        setTimeout(() => {
          if (!this.#closed && this.#entries.get(listener.config.name) === entry) this.#bind(entry);
        }, RETRY_MILLISECONDS).unref();
      }
      this.#wake();
    });
  }

  #wake(): void {
    if ([...this.#entries.values()].some(({ bound }) => bound === 'pending')) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #remove(name: string, entry: Entry): void {
    this.#entries.delete(name);
    const { address } = entry.listener.config;
    if (address.kind === 'internal') this.#options.internal.unregister(address.listener === '' ? name : address.listener, entry.accept);
    entry.listener.stopListening();
    this.#leaving.add(entry.listener);
    setTimeout(() => {
      entry.listener.close();
      this.#leaving.delete(entry.listener);
    }, drainMilliseconds(entry.listener.config)).unref();
    this.#wake();
  }

  #listenerAt(address: string, port: number): ActiveListener | undefined {
    let wildcard: ActiveListener | undefined;
    for (const { listener } of this.#entries.values()) {
      const { address: own, additionalAddresses, useOriginalDestination } = listener.config;
      if (useOriginalDestination) continue;
      for (const one of additionalAddresses.length === 0 ? [own] : [own, ...additionalAddresses]) {
        if (one.kind !== 'socket' || one.port !== port) continue;
        if (one.address === address) return listener;
        // A wildcard is one of its own family.
        if (one.address === (address.includes(':') ? '::' : '0.0.0.0')) wildcard = listener;
      }
    }
    return wildcard;
  }

  /** Ends all listeners and their connections. */
  close(): void {
    this.#closed = true;
    for (const { listener } of this.#entries.values()) listener.close();
    for (const listener of this.#leaving) listener.close();
    this.#entries.clear();
    this.#wake();
  }
}

/** Time for the connections of a removed listener. */
function drainMilliseconds(config: ListenerConfig): number {
  let longest = 5000;
  for (const chain of config.filterChains) {
    for (const filter of chain.filters) if (filter.kind === 'http_connection_manager') longest = Math.max(longest, filter.drainTimeoutMilliseconds * 2);
  }
  return longest;
}

function sameBinding(left: ListenerConfig, right: ListenerConfig): boolean {
  const others = right.additionalAddresses;
  return sameAddress(left.address, right.address) && left.bindToPort === right.bindToPort && left.transparent === right.transparent
    && left.additionalAddresses.length === others.length && left.additionalAddresses.every((address, index) => sameAddress(address, others[index] ?? address));
}

function sameAddress(left: AddressConfig, right: AddressConfig): boolean {
  return left.kind === 'socket' && right.kind === 'socket' ? left.address === right.address && left.port === right.port
    : left.kind === 'internal' && right.kind === 'internal' && left.listener === right.listener;
}
