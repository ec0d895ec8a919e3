// The two variants of the ADS protocol behind one face: which requests to send, and what a response brings into the resource store.
import type { GrpcMethod } from '../../shared/grpc/index.ts';
import { DeltaClientState, SotwClientState, TYPE_URLS, WILDCARD_TYPES } from '../../shared/xds/index.ts';
import type { Node } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { DeltaDiscoveryResponse, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { DELTA_AGGREGATED, STREAM_AGGREGATED } from './ads-methods.ts';
import type { ResourceStore } from './resource-store.ts';

/** A request or response of either variant. */
export interface ProtocolMessage {
  typeUrl?: string | undefined;
  nonce?: string | undefined;
  node?: Node | undefined;
}

/** What a response brought. */
export interface Taken {
  readonly version: string;
  /** Names of its resources. */
  readonly names: readonly string[];
  /** Why resources were refused. */
  readonly problems: readonly string[];
  readonly secretsChanged: readonly string[];
  readonly secretsRemoved: readonly string[];
}

/** Names that are asked for, by type URL. */
export type WantedNames = ReadonlyMap<string, ReadonlySet<string>>;

/** One variant of the protocol. */
export interface AdsProtocol {
  readonly method: GrpcMethod<ProtocolMessage, ProtocolMessage>;
  /** First requests on a new stream: clusters and listeners first. */
  connect(): readonly ProtocolMessage[];
  disconnect(): void;
  /** Requests for a change of names. */
  subscribe(wanted: WantedNames): readonly ProtocolMessage[];
  /** Takes a response into the store; undefined for a type that was not asked for. */
  take(response: ProtocolMessage): Taken | undefined;
  accept(response: ProtocolMessage): ProtocolMessage;
  refuse(response: ProtocolMessage, message: string): ProtocolMessage;
}

/** The name table is asked for only where DNS is captured. */
function typesOf(names: boolean): readonly string[] {
  return [TYPE_URLS.cluster, TYPE_URLS.listener, TYPE_URLS.endpoint, TYPE_URLS.route, TYPE_URLS.secret, TYPE_URLS.extension, ...(names ? [TYPE_URLS.nameTable] : [])];
}

/** The variant that was asked for, with or without the name table. */
export function protocolFor(delta: boolean, store: ResourceStore, names: boolean): AdsProtocol {
  return delta ? new DeltaProtocol(store, names) : new SotwProtocol(store, names);
}

/** Forgets resources that nobody wants any more. */
function prune(store: ResourceStore, typeUrl: string, names: ReadonlySet<string>): void {
  if (!WILDCARD_TYPES.has(typeUrl)) store.table(typeUrl)?.keepOnly(names);
}

function secretsOf(typeUrl: string, names: readonly string[]): readonly string[] {
  return typeUrl === TYPE_URLS.secret ? names : [];
}

class SotwProtocol implements AdsProtocol {
  readonly method = STREAM_AGGREGATED as unknown as GrpcMethod<ProtocolMessage, ProtocolMessage>;
  readonly #store: ResourceStore;
  readonly #states: ReadonlyMap<string, SotwClientState>;
  #up = false;

  constructor(store: ResourceStore, names: boolean) {
    this.#store = store;
    this.#states = new Map(typesOf(names).map((typeUrl) => [typeUrl, new SotwClientState(typeUrl)]));
  }

  connect(): readonly ProtocolMessage[] {
    this.#up = true;
    return [...this.#states.values()].filter((state) => WILDCARD_TYPES.has(state.typeUrl) || state.names.length > 0).map((state) => state.connect());
  }

  disconnect(): void {
    this.#up = false;
    for (const state of this.#states.values()) state.disconnect();
  }

  subscribe(wanted: WantedNames): readonly ProtocolMessage[] {
    return [...wanted].flatMap(([typeUrl, names]) => this.#subscribeOne(typeUrl, names));
  }

  #subscribeOne(typeUrl: string, names: ReadonlySet<string>): readonly ProtocolMessage[] {
    const state = this.#states.get(typeUrl);
    if (!state) return [];
    const before = state.names.length;
    const request = state.subscribe(names);
    prune(this.#store, typeUrl, names);
    if (request) return [request];
    // The first names of a type on this stream: the state has not started there.
    return this.#up && before === 0 && names.size > 0 ? [state.connect()] : [];
  }

  take(message: ProtocolMessage): Taken | undefined {
    const response = message as DiscoveryResponse;
    const typeUrl = response.typeUrl ?? '';
    const table = this.#states.has(typeUrl) ? this.#store.table(typeUrl) : undefined;
    if (!table) return undefined;
    const version = response.versionInfo ?? '';
    const taken = (response.resources ?? []).map((any) => table.take(any, version));
    const names = taken.map(({ name }) => name);
    const before = [...table.entries.keys()];
    if (WILDCARD_TYPES.has(typeUrl) && names.every((name) => name !== '')) table.keepOnly(new Set(names));
    table.received = true;
    table.version = version;
    return {
      version, names, problems: taken.flatMap(({ problem }) => problem ?? []),
      secretsChanged: secretsOf(typeUrl, names), secretsRemoved: secretsOf(typeUrl, before.filter((name) => !table.entries.has(name))),
    };
  }

  accept(response: ProtocolMessage): ProtocolMessage {
    return this.#state(response).accept(response as DiscoveryResponse);
  }

  refuse(response: ProtocolMessage, message: string): ProtocolMessage {
    return this.#state(response).refuse(response as DiscoveryResponse, message);
  }

  #state(response: ProtocolMessage): SotwClientState {
    const state = this.#states.get(response.typeUrl ?? '');
    if (!state) throw new Error(`no subscription of type ${response.typeUrl ?? ''}`);
    return state;
  }
}

class DeltaProtocol implements AdsProtocol {
  readonly method = DELTA_AGGREGATED as unknown as GrpcMethod<ProtocolMessage, ProtocolMessage>;
  readonly #store: ResourceStore;
  readonly #states: ReadonlyMap<string, DeltaClientState>;

  constructor(store: ResourceStore, names: boolean) {
    this.#store = store;
    this.#states = new Map(typesOf(names).map((typeUrl) => [typeUrl, new DeltaClientState(typeUrl, WILDCARD_TYPES.has(typeUrl))]));
  }

  connect(): readonly ProtocolMessage[] {
    return [...this.#states.values()].flatMap((state) => state.connect() ?? []);
  }

  disconnect(): void {
    for (const state of this.#states.values()) state.disconnect();
  }

  subscribe(wanted: WantedNames): readonly ProtocolMessage[] {
    return [...wanted].flatMap(([typeUrl, names]) => {
      const request = this.#states.get(typeUrl)?.subscribe(names);
      prune(this.#store, typeUrl, names);
      return request ? [request] : [];
    });
  }

  take(message: ProtocolMessage): Taken | undefined {
    const response = message as DeltaDiscoveryResponse;
    const typeUrl = response.typeUrl ?? '';
    const table = this.#states.has(typeUrl) ? this.#store.table(typeUrl) : undefined;
    if (!table) return undefined;
    const taken = (response.resources ?? []).map((resource) => (resource.resource ? table.take(resource.resource, resource.version ?? '') : { name: resource.name ?? '', problem: undefined }));
    const removed = response.removedResources ?? [];
    for (const name of removed) table.delete(name);
    table.received = true;
    table.version = response.systemVersionInfo ?? '';
    const names = taken.map(({ name }) => name);
    return {
      version: response.systemVersionInfo ?? '', names, problems: taken.flatMap(({ problem }) => problem ?? []),
      secretsChanged: secretsOf(typeUrl, names), secretsRemoved: secretsOf(typeUrl, removed),
    };
  }

  accept(response: ProtocolMessage): ProtocolMessage {
    return this.#state(response).accept(response as DeltaDiscoveryResponse);
  }

  refuse(response: ProtocolMessage, message: string): ProtocolMessage {
    return this.#state(response).refuse(response as DeltaDiscoveryResponse, message);
  }

  #state(response: ProtocolMessage): DeltaClientState {
    const state = this.#states.get(response.typeUrl ?? '');
    if (!state) throw new Error(`no subscription of type ${response.typeUrl ?? ''}`);
    return state;
  }
}
