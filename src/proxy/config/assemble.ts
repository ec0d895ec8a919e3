// Puts accepted resources together into the configuration that runs, in warming order: a cluster is there when its endpoints are,
// a listener when its routes and secrets are; until then its predecessor stays. Called by the xDS client after every accepted change.
import type { HttpConnectionManagerConfig } from './filter-config.ts';
import { extensionsOfListener, withExtensions } from './extension.ts';
import type { ExtensionConfig } from './http-filter-config.ts';
import type { RouteConfig } from './route-config.ts';
import type { ClusterConfig, DownstreamTlsConfig, EndpointsConfig, FilterChainConfig, ListenerConfig, RuntimeConfig, UpstreamTlsConfig } from './runtime-config.ts';

/** Compiled resources by name, as last accepted. */
export interface AcceptedResources {
  readonly listeners: ReadonlyMap<string, ListenerConfig>;
  readonly routes: ReadonlyMap<string, RouteConfig>;
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  readonly endpoints: ReadonlyMap<string, EndpointsConfig>;
  /** By filter name; null for one that will not come. Absent where no filter is discovered. */
  readonly extensions?: ReadonlyMap<string, ExtensionConfig | null>;
  /** Whether the secret of this name is there. */
  readonly hasSecret: (name: string) => boolean;
}

/** The configuration and the names of what still warms. */
export interface Assembly {
  readonly config: RuntimeConfig;
  readonly warmingClusters: readonly string[];
  readonly warmingListeners: readonly string[];
}

/** An empty configuration, before anything was accepted. */
export const EMPTY_RUNTIME_CONFIG: RuntimeConfig = Object.freeze({ number: 0, listeners: {}, routes: {}, clusters: {}, endpoints: {} });

/** The configuration of `resources`, following `previous`; what is not yet whole stays as it was there. */
export function assembleRuntimeConfig(resources: AcceptedResources, previous: RuntimeConfig): Assembly {
  const warmingClusters: string[] = [];
  const warmingListeners: string[] = [];
  const clusters = pick(resources.clusters, previous.clusters, (cluster) => clusterIsWarm(cluster, resources), warmingClusters);
  const listeners = pick(resources.listeners, previous.listeners, (listener) => listenerIsWarm(listener, resources), warmingListeners, (listener) => withExtensions(listener, resources.extensions ?? new Map()));
  const endpointNames = new Set(Object.values(clusters).map((cluster) => cluster.endpointsName));
  const routeNames = new Set(Object.values(listeners).flatMap(routeNamesOf));
  const config: RuntimeConfig = {
    number: previous.number + 1,
    listeners,
    routes: only(resources.routes, routeNames),
    clusters,
    endpoints: only(resources.endpoints, endpointNames),
  };
  return { config: Object.freeze(config), warmingClusters, warmingListeners };
}

function pick<T>(accepted: ReadonlyMap<string, T>, previous: Readonly<Record<string, T>>, isWarm: (value: T) => boolean, warming: string[], complete: (value: T) => T = (value) => value): Readonly<Record<string, T>> {
  const result: Record<string, T> = {};
  for (const [name, value] of accepted) {
    if (isWarm(value)) {
      result[name] = complete(value);
      continue;
    }
    warming.push(name);
    const before = previous[name];
    if (before !== undefined) result[name] = before;
  }
  return result;
}

function only<T>(from: ReadonlyMap<string, T>, names: ReadonlySet<string>): Readonly<Record<string, T>> {
  const result: Record<string, T> = {};
  for (const name of names) {
    const value = from.get(name);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function clusterIsWarm(cluster: ClusterConfig, resources: AcceptedResources): boolean {
  if (cluster.discovery === 'eds' && !resources.endpoints.has(cluster.endpointsName)) return false;
  return secretNamesOfCluster(cluster).every(resources.hasSecret);
}

function listenerIsWarm(listener: ListenerConfig, resources: AcceptedResources): boolean {
  return routeNamesOf(listener).every((name) => resources.routes.has(name)) && secretNamesOfListener(listener).every(resources.hasSecret)
    && extensionsOfListener(listener).every(({ name, awaited }) => !awaited || resources.extensions?.has(name) === true);
}

/** Names of the route configurations that a listener asks for by RDS. */
export function routeNamesOf(listener: ListenerConfig): readonly string[] {
  return chainsOf(listener).flatMap((chain) => chain.filters)
    .flatMap((filter) => (filter.kind === 'http_connection_manager' ? rdsName(filter) : []));
}

function rdsName(filter: HttpConnectionManagerConfig): readonly string[] {
  return filter.routes.kind === 'rds' ? [filter.routes.name] : [];
}

function chainsOf(listener: ListenerConfig): readonly FilterChainConfig[] {
  return listener.defaultFilterChain ? [...listener.filterChains, listener.defaultFilterChain] : listener.filterChains;
}

/** Names of the secrets that a listener needs. */
export function secretNamesOfListener(listener: ListenerConfig): readonly string[] {
  return chainsOf(listener).flatMap((chain) => (chain.tls ? downstreamSecrets(chain.tls) : []));
}

/** Names of the secrets that a cluster needs. */
export function secretNamesOfCluster(cluster: ClusterConfig): readonly string[] {
  return [cluster.defaultTls, ...cluster.transportSocketMatches.map((match) => match.tls)].flatMap((tls) => (tls ? upstreamSecrets(tls) : []));
}

function downstreamSecrets(tls: DownstreamTlsConfig): readonly string[] {
  return tls.validation?.secretName != null ? [...tls.certificateSecretNames, tls.validation.secretName] : tls.certificateSecretNames;
}

function upstreamSecrets(tls: UpstreamTlsConfig): readonly string[] {
  return [tls.certificateSecretName, tls.validation?.secretName ?? null].filter((name) => name !== null);
}
