// VirtualServices made ready for translation: hosts, gateways and destinations under their full names, delegates merged into their roots.
import { warningIssue, type Issue } from '../../shared/lib/index.ts';
import type { HttpMatchRequest, HttpRoute, VirtualService } from '../../shared/api/networking/virtual-service.ts';
import { resolveHost } from './host-name.ts';
import type { ConfigRecord, VirtualServiceRecord } from './snapshot.ts';

type Spec = VirtualService['spec'];
type HttpMatch = HttpMatchRequest;

/** `mesh`, the reserved gateway that stands for all sidecars. */
export const MESH_GATEWAY = 'mesh';

/** How the names of hosts are read. */
export interface HostNames {
  /** Of the cluster, for short names. */
  readonly domain: string;
  /** The host of the service behind an alias, which is where destinations lead; any other host itself. */
  readonly concrete: (host: string) => string;
}

/** The records with names resolved and delegates merged; delegates themselves (no hosts) are left out. */
export function prepareVirtualServices(records: readonly ConfigRecord<Spec>[], names: HostNames): { readonly records: VirtualServiceRecord[]; readonly issues: Issue[] } {
  const issues: Issue[] = [];
  const delegates = new Map(records.filter((record) => !record.spec.hosts?.length).map((record) => [`${record.namespace}/${record.name}`, record]));
  const prepared = records.filter((record) => record.spec.hosts?.length).map((record) => ({ ...record, spec: resolveSpec(record, delegates, names, issues) }));
  return { records: prepared, issues };
}

function resolveSpec(record: ConfigRecord<Spec>, delegates: ReadonlyMap<string, ConfigRecord<Spec>>, names: HostNames, issues: Issue[]): Spec {
  const { spec, namespace } = record;
  const host = destinationHosts(namespace, names);
  return {
    ...spec,
    hosts: (spec.hosts ?? []).map((name) => resolveHost(name, namespace, names.domain)),
    gateways: (spec.gateways?.length ? spec.gateways : [MESH_GATEWAY]).map((gateway) => resolveGateway(gateway, namespace)),
    http: spec.http?.flatMap((route) => expandDelegate(route, record, delegates, names, issues)),
    tls: spec.tls?.map((route) => ({ ...route, match: route.match.map((match) => withGateways(match, namespace)), route: resolveDestinations(route.route, host) })),
    tcp: spec.tcp?.map((route) => ({ ...route, match: route.match?.map((match) => withGateways(match, namespace)), route: resolveDestinations(route.route, host) })),
  };
}

/** A gateway's full name `namespace/name`. */
function resolveGateway(gateway: string, namespace: string): string {
  return gateway === MESH_GATEWAY || gateway.includes('/') ? gateway : `${namespace}/${gateway}`;
}

function withGateways<M extends { readonly gateways?: readonly string[] | undefined }>(match: M, namespace: string): M {
  return match.gateways?.length ? { ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) } : match;
}

function resolveDestinations<R extends { destination: { host: string } }>(routes: readonly R[] | undefined, host: (name: string) => string): R[] | undefined {
  return routes?.map((route) => ({ ...route, destination: { ...route.destination, host: host(route.destination.host) } }));
}

function destinationHosts(namespace: string, { domain, concrete }: HostNames): (name: string) => string {
  return (name) => concrete(resolveHost(name, namespace, domain));
}

function resolveHttp(route: HttpRoute, namespace: string, names: HostNames): HttpRoute {
  const host = destinationHosts(namespace, names);
  return {
    ...route,
    match: route.match?.map((match) => withGateways(match, namespace)),
    route: resolveDestinations(route.route, host),
    mirror: route.mirror && { ...route.mirror, host: host(route.mirror.host) },
    mirrors: resolveDestinations(route.mirrors, host),
  };
}

/** A route as it is, or one route for each of its delegate's; a delegate that is missing keeps the route out and says so. */
function expandDelegate(route: HttpRoute, root: ConfigRecord<Spec>, delegates: ReadonlyMap<string, ConfigRecord<Spec>>, names: HostNames, issues: Issue[]): HttpRoute[] {
  if (!route.delegate) return [resolveHttp(route, root.namespace, names)];
  const key = `${route.delegate.namespace || root.namespace}/${route.delegate.name ?? ''}`;
  const delegate = delegates.get(key);
  if (!delegate) {
    issues.push({
      ...warningIssue('MESH_DELEGATE_MISSING', 'spec.http', `The delegate ${key} does not exist, so its routes are left out. Create it or remove the reference.`),
      object: { kind: 'VirtualService', namespace: root.namespace, name: root.name },
    });
    return [];
  }
  const outer = resolveHttp(route, root.namespace, names);
  return (delegate.spec.http ?? []).flatMap((inner) => mergeDelegated(outer, resolveHttp(inner, delegate.namespace, names)));
}

/** The delegate's route under the root's conditions; what the delegate does not set comes from the root. */
function mergeDelegated(outer: HttpRoute, inner: HttpRoute): HttpRoute[] {
  const match = mergeMatches(outer.match ?? [], inner.match ?? []);
  if (match === undefined) return [];
  const merged: HttpRoute = { ...outer, ...definedFields(inner), match };
  delete merged.delegate;
  return [merged];
}

function definedFields(route: HttpRoute): HttpRoute {
  return Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined));
}

/** Every pair of conditions that can both hold; undefined when none can. */
function mergeMatches(outer: readonly HttpMatch[], inner: readonly HttpMatch[]): HttpMatch[] | undefined {
  if (outer.length === 0) return [...inner];
  if (inner.length === 0) return [...outer];
  const pairs = outer.flatMap((left) => inner.map((right) => mergeMatch(left, right))).filter((match) => match !== undefined);
  return pairs.length > 0 ? pairs : undefined;
}

/** Both matches in one: the delegate's path must lie inside the root's. */
function mergeMatch(outer: HttpMatch, inner: HttpMatch): HttpMatch | undefined {
  const prefix = outer.uri?.prefix;
  const innerPath = inner.uri?.exact ?? inner.uri?.prefix;
  if (prefix !== undefined && innerPath !== undefined && !innerPath.startsWith(prefix)) return undefined;
  if (outer.uri?.exact !== undefined && inner.uri && inner.uri.exact !== outer.uri.exact) return undefined;
  const { headers, withoutHeaders, queryParams, sourceLabels } = outer;
  return {
    ...outer,
    ...Object.fromEntries(Object.entries(inner).filter(([, value]) => value !== undefined)),
    ...(headers || inner.headers ? { headers: { ...headers, ...inner.headers } } : {}),
    ...(withoutHeaders || inner.withoutHeaders ? { withoutHeaders: { ...withoutHeaders, ...inner.withoutHeaders } } : {}),
    ...(queryParams || inner.queryParams ? { queryParams: { ...queryParams, ...inner.queryParams } } : {}),
    ...(sourceLabels || inner.sourceLabels ? { sourceLabels: { ...sourceLabels, ...inner.sourceLabels } } : {}),
  };
}
