// A compiled route configuration: from a request's headers to its route. Compiled once when the configuration arrives; pure. The HTTP connection manager
// asks it once a request.
import { RE2JS } from 're2js';
import { describeError } from '../../shared/lib/index.ts';
import type { HttpFilterOverride } from '../config/filter-config.ts';
import type { RouteConfig, RouteEntryConfig, RouteMatchConfig, VirtualHostConfig, WeightedClusterConfig } from '../config/route-config.ts';
import type { RequestHeaders } from '../stream/header-map.ts';
import type { StreamInfo } from '../stream/stream-info.ts';
import { compileHeaderMatches, compileQueryMatches, pathOnly, type HeaderTest } from './header-matcher.ts';
import { orderMutations, type CompiledMutations } from './header-mutations.ts';
import { compileMetadataMatch, NO_METADATA, type MetadataTest } from './metadata-matcher.ts';
import { compileRedirect, compileRewrite, type PathRewrite } from './rewrite.ts';

/** A route with everything of it that can be prepared. */
export interface CompiledRoute {
  readonly config: RouteEntryConfig;
  readonly virtualHost: VirtualHostConfig;
  /** Levels of header changes for requests that go to no particular weighted cluster. */
  readonly mutations: readonly CompiledMutations[];
  readonly rewrite: PathRewrite | null;
  /** Location of a redirect. */
  readonly location: ((headers: RequestHeaders) => string) | null;
  readonly weighted: readonly CompiledWeightedCluster[];
}

/** One of the clusters that share a route, with its header changes and those of the route. */
export interface CompiledWeightedCluster {
  readonly config: WeightedClusterConfig;
  readonly mutations: readonly CompiledMutations[];
}

/** The route of one request, with the cluster that was drawn for it. */
export interface SelectedRoute {
  readonly route: CompiledRoute;
  readonly cluster: CompiledWeightedCluster | null;
}

interface MatchCase {
  readonly path: (path: string, headers: RequestHeaders) => boolean;
  readonly headers: HeaderTest | null;
  readonly query: ((path: string) => boolean) | null;
  readonly grpcOnly: boolean;
  readonly metadata: readonly MetadataTest[] | null;
  readonly perMillion: number | null;
}

interface RouteCase extends MatchCase { readonly route: CompiledRoute }

interface Host { readonly virtualHost: VirtualHostConfig; readonly cases: readonly RouteCase[] }

const MAXIMUM_REMEMBERED = 256;

/** Matches requests. */
export class RouteTable {
  readonly config: RouteConfig;
  readonly #exact = new Map<string, Host>();
  /** Longest first. */
  readonly #suffixes: { readonly suffix: string; readonly host: Host }[] = [];
  readonly #prefixes: { readonly prefix: string; readonly host: Host }[] = [];
  #any: Host | null = null;
  /** Hosts by the authority as it came. Bounded, as authorities come from clients. */
  readonly #remembered = new Map<string, Host | null>();

  /** Throws an error that names the virtual host when a part cannot be compiled. */
  constructor(config: RouteConfig) {
    this.config = config;
    for (const virtualHost of config.virtualHosts) this.#addHost(virtualHost);
    this.#suffixes.sort((left, right) => right.suffix.length - left.suffix.length);
    this.#prefixes.sort((left, right) => right.prefix.length - left.prefix.length);
  }

  /** The route of a request, null when there is none; `random` gives [0, 1). */
  match(headers: RequestHeaders, random: () => number, metadata: StreamInfo['dynamicMetadata'] = NO_METADATA): SelectedRoute | null {
    const host = this.#hostOf(headers.authority);
    if (host === null) return null;
    const path = pathOnly(headers.path);
    for (const entry of host.cases) if (caseMatches(entry, path, headers, metadata, random)) return { route: entry.route, cluster: drawCluster(entry.route, random) };
    return null;
  }

  /** The virtual host that serves `authority`. */
  virtualHost(authority: string): VirtualHostConfig | null {
    return this.#hostOf(authority)?.virtualHost ?? null;
  }

  #hostOf(authority: string): Host | null {
    let host = this.#remembered.get(authority);
    if (host === undefined) {
      host = this.#findHost(authority);
      if (this.#remembered.size >= MAXIMUM_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(authority, host);
    }
    return host;
  }

  #findHost(authority: string): Host | null {
    const name = this.config.ignorePortInHostMatching ? authority.replace(/:[0-9]+$/, '').toLowerCase() : authority.toLowerCase();
    const exact = this.#exact.get(name);
    if (exact) return exact;
    for (const { suffix, host } of this.#suffixes) if (name.length > suffix.length && name.endsWith(suffix)) return host;
    for (const { prefix, host } of this.#prefixes) if (name.length > prefix.length && name.startsWith(prefix)) return host;
    return this.#any;
  }

  #addHost(virtualHost: VirtualHostConfig): void {
    let host: Host;
    try {
      host = { virtualHost, cases: virtualHost.routes.map((route) => compileCase(route, virtualHost, this.config)) };
    } catch (error) {
      throw new Error(`virtual host '${virtualHost.name}': ${describeError(error)}`, { cause: error });
    }
    for (const domain of virtualHost.domains) {
      const name = domain.toLowerCase();
      if (name === '*') this.#any ??= host;
      else if (name.startsWith('*')) this.#suffixes.push({ suffix: name.slice(1), host });
      else if (name.endsWith('*')) this.#prefixes.push({ prefix: name.slice(0, -1), host });
      else if (!this.#exact.has(name)) this.#exact.set(name, host);
    }
  }
}

function compileCase(config: RouteEntryConfig, virtualHost: VirtualHostConfig, table: RouteConfig): RouteCase {
  const { match, action } = config;
  const levels = [config.headerMutations, virtualHost.headerMutations, table.headerMutations];
  const flip = table.mostSpecificHeaderMutationsWin;
  const clusters = action.kind === 'route' ? action.clusters : [];
  const route: CompiledRoute = {
    config, virtualHost, mutations: orderMutations(levels, flip),
    rewrite: action.kind === 'route' && action.rewrite ? compileRewrite(action.rewrite, match) : null,
    location: action.kind === 'redirect' ? compileRedirect(action, match) : null,
    weighted: clusters.map((cluster) => ({ config: cluster, mutations: orderMutations([cluster.headerMutations, ...levels], flip) })),
  };
  return { route, ...compileMatch(match) };
}

function compileMatch(match: RouteMatchConfig): MatchCase {
  return {
    path: compilePath(match), headers: match.headers.length > 0 ? compileHeaderMatches(match.headers) : null,
    query: compileQueryMatches(match.queryParameters), grpcOnly: match.grpcOnly, metadata: match.dynamicMetadata?.length ? match.dynamicMetadata.map(compileMetadataMatch) : null, perMillion: match.runtimeFractionPerMillion,
  };
}

/** Compiles a match for a filter's own rules; throws for a pattern that RE2 refuses. */
export function compileRouteMatch(config: RouteMatchConfig): (headers: RequestHeaders, random: () => number) => boolean {
  const match = compileMatch(config);
  return (headers, random) => caseMatches(match, pathOnly(headers.path), headers, NO_METADATA, random);
}

function compilePath(match: RouteMatchConfig): MatchCase['path'] {
  const { path: config } = match;
  if (config.kind === 'connect') return (_path, headers) => headers.method === 'CONNECT';
  if (config.kind === 'regex') {
    const pattern = RE2JS.compile(config.regex);
    return (path, headers) => headers.method !== 'CONNECT' && pattern.matches(path);
  }
  const value = config.ignoreCase ? config.value.toLowerCase() : config.value;
  const fold = config.ignoreCase ? (path: string): string => path.toLowerCase() : (path: string): string => path;
  switch (config.kind) {
    case 'exact': return (path) => fold(path) === value;
    case 'prefix': return (path, headers) => fold(path).startsWith(value) && (headers.method !== 'CONNECT' || headers.upgrade !== '');
    case 'path_separated_prefix': return (path) => {
      const folded = fold(path);
      return folded.startsWith(value) && (folded.length === value.length || folded.charCodeAt(value.length) === 47);
    };
  }
}

function caseMatches(entry: MatchCase, path: string, headers: RequestHeaders, metadata: StreamInfo['dynamicMetadata'], random: () => number): boolean {
  if (!entry.path(path, headers)) return false;
  if (entry.headers && !entry.headers(headers)) return false;
  if (entry.query && !entry.query(headers.path)) return false;
  if (entry.metadata && !entry.metadata.every((test) => test(metadata))) return false;
  if (entry.grpcOnly && !(headers.get('content-type') ?? '').startsWith('application/grpc')) return false;
  return entry.perMillion === null || random() * 1_000_000 < entry.perMillion;
}

function drawCluster(route: CompiledRoute, random: () => number): CompiledWeightedCluster | null {
  const { weighted } = route;
  if (weighted.length <= 1) return weighted[0] ?? null;
  const { action } = route.config;
  const total = action.kind === 'route' ? action.totalWeight : 0;
  let point = random() * total;
  for (const cluster of weighted) {
    point -= cluster.config.weight;
    if (point < 0) return cluster;
  }
  return weighted[weighted.length - 1] ?? null;
}

/** A filter's replacement configuration on this route, the most specific one. */
export function filterOverride(selected: SelectedRoute, filterName: string): HttpFilterOverride | undefined {
  return selected.cluster?.config.perFilter[filterName] ?? selected.route.config.perFilter[filterName] ?? selected.route.virtualHost.perFilter[filterName];
}

/** All replacements of a filter's configuration for this route, the most specific one last. */
export function filterOverrides({ route, cluster }: SelectedRoute, filterName: string): readonly HttpFilterOverride[] {
  return [route.virtualHost.perFilter[filterName], route.config.perFilter[filterName], cluster?.config.perFilter[filterName]].filter((override) => override !== undefined);
}
