// What network filters are. A chain is a list of steps; each takes the connection and calls `next`, the last (HTTP connection manager or TCP proxy) keeps it.
import type { Duplex } from 'node:stream';
import type { NetworkFilterConfig } from '../../config/filter-config.ts';
import type { FilterChainConfig, ListenerConfig } from '../../config/runtime-config.ts';
import type { ConnectionInfo, StreamInfo } from '../../stream/stream-info.ts';
import type { FilterServices } from '../services.ts';

/** One accepted connection on its way through a chain. */
export interface NetworkConnection {
  readonly socket: Duplex;
  readonly info: ConnectionInfo;
  /** ALPN that was agreed on, or what HTTP was detected in the first bytes; empty when unknown. */
  readonly applicationProtocol: string;
  /** `address:port` that the connection was made to, before redirection. */
  readonly originalDestination: string;
  /** What filters of this chain found out about the connection; absent when nothing. */
  dynamicMetadata?: StreamInfo['dynamicMetadata'];
  /** Set by the terminal filter: finish what is under way and close. */
  onDrain: (() => void) | null;
  /** Set by a terminal filter of messages: end as soon as no message is under way; returns whether one is. */
  finish: (() => boolean) | null;
  /** The listener is draining. */
  draining: boolean;
}

/** A filter of a chain, shared by all its connections. */
export interface NetworkFilter {
  onConnection(connection: NetworkConnection, next: () => void): void;
  /**
   * Set on filters that can serve the next request of a running connection by a newer configuration: `next` is the same place's filter after an update.
   * Without it the connections of a changed chain are drained.
   */
  succeedBy?(next: NetworkFilter): void;
}

/** Where a filter stands. */
export interface NetworkFilterPlace {
  readonly listener: ListenerConfig;
  readonly chain: FilterChainConfig;
  readonly services: FilterServices;
}

/** Makes the filter of a configuration; throws when it cannot be. */
export type NetworkFilterFactory<C extends NetworkFilterConfig> = (config: C, place: NetworkFilterPlace) => NetworkFilter | null;
