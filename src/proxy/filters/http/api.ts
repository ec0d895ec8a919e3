// What HTTP filters are made from. A factory compiles a configuration once; the instance factory it returns makes one filter a stream, or null when the
// filter has nothing to do for that stream.
import type { HttpFilterConfig, HttpFilterOverride } from '../../config/filter-config.ts';
import type { RequestHeaders } from '../../stream/header-map.ts';
import type { FilterCallbacks, HttpFilter } from '../../stream/filter.ts';
import { filterOverride, type SelectedRoute } from '../../route/route-table.ts';
import type { FilterServices } from '../services.ts';

/** What a filter can do to its stream, with the route type known. */
export interface StreamCallbacks extends FilterCallbacks<SelectedRoute> {
  /** Address of the client that the connection manager trusts, without port. */
  readonly remoteIp: string;
  /** `address:port` that the connection was made to, before redirection. */
  readonly originalDestination: string;
  /** Idle timeout of this stream instead of the connection manager's. */
  setIdleTimeout(milliseconds: number): void;
  /** How long this stream may last in all, instead of the connection manager's; 0 for no limit. */
  setMaximumDuration(milliseconds: number): void;
  /** Upgrade types the connection manager allows. */
  upgradeAllowed(type: string): boolean;
}

/** Makes a filter for a stream. */
export type HttpFilterInstance = (callbacks: StreamCallbacks, headers: RequestHeaders) => HttpFilter | null;

/** Compiles a filter's configuration; throws when it cannot be. */
export type HttpFilterFactory<K extends HttpFilterConfig['kind']> = (config: Extract<HttpFilterConfig, { kind: K }>, services: FilterServices) => HttpFilterInstance | null;

/** The route's replacement of a filter's configuration; undefined keeps the filter's own. */
export function overrideOf(callbacks: StreamCallbacks, name: string): HttpFilterOverride | undefined {
  const route = callbacks.route();
  return route ? filterOverride(route, name) : undefined;
}

const compiled = new WeakMap<object, unknown>();

/** What `compile` makes of `config`, made once for each configuration object. */
export function compileOnce<C extends object, T>(config: C, compile: (config: C) => T): T {
  let value = compiled.get(config) as T | undefined;
  if (value === undefined) compiled.set(config, value = compile(config));
  return value;
}
