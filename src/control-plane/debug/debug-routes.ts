// The debug pages: what mizzend knows and what it told whom. Reads every table, writes none. Names and shapes follow istiod's where it has them.
import type { Issue } from '../../shared/lib/index.ts';
import { HttpError, loggingRoutes, type HttpHandler, type HttpRequest, type HttpRoute } from '../../shared/http/index.ts';
import { PUSH_ORDER } from '../../shared/xds/index.ts';
import { analyzeMesh } from '../../mesh/analysis/index.ts';
import type { IngestTables } from '../ingest/index.ts';
import type { SnapshotPublisher } from '../snapshot/index.ts';
import { shortTypeName, type AdsConnection, type AdsServer } from '../ads/index.ts';
import { syncStatus } from './sync-status.ts';

/** What the pages read. */
export interface DebugSources {
  readonly tables: IngestTables;
  readonly snapshots: SnapshotPublisher;
  /** What is wrong with the mesh configuration. */
  readonly meshConfigIssues: () => readonly Issue[];
  readonly ads: AdsServer;
  /** Whether the caller may see the pages. */
  readonly mayRead: (request: HttpRequest) => Promise<boolean>;
}

/** The debug pages below /debug. */
export function debugRoutes(sources: DebugSources): HttpRoute[] {
  const pages: Readonly<Record<string, HttpHandler>> = {
    syncz: () => ({ body: [...sources.ads.connections].map(syncStatus) }),
    adsz: () => ({ body: { totalClients: [...sources.ads.connections].length, clients: [...sources.ads.connections].map(syncStatus) } }),
    connections: () => ({ body: { totalClients: [...sources.ads.connections].length, clients: [...sources.ads.connections].map(({ id, address, connectedAt }) => ({ connectionId: id, address, connectedAt })) } }),
    configz: () => ({ body: [...sources.tables.config.values()] }),
    issuesz: () => ({ body: { objects: Object.fromEntries(sources.tables.issues.entries()), relations: sources.snapshots.issues, meshConfig: sources.meshConfigIssues() } }),
    analyzez: () => ({ body: analyzeMesh(snapshotOf(sources), [...sources.meshConfigIssues(), ...[...sources.tables.issues.values()].flat()]) }),
    endpointz: () => ({ body: [...snapshotOf(sources).endpoints.values()].map(({ serviceKey, endpoints }) => ({ svc: serviceKey, ep: endpoints })) }),
    registryz: () => ({ body: [...snapshotOf(sources).services.values()] }),
    instancesz: () => ({ body: [...snapshotOf(sources).workloads.values()] }),
    push_status: () => ({ body: pushStatus(sources) }),
    mesh: () => ({ body: snapshotOf(sources).meshConfig }),
    memberz: () => ({ body: [...sources.tables.members.keys()].sort() }),
    config_dump: async ({ query }) => ({ body: await configDump(connectionOf(sources, query)) }),
  };
  const guarded = (handler: HttpHandler): HttpHandler => async (request) => {
    if (!(await sources.mayRead(request))) throw new HttpError(403, 'debug pages are for the pod itself and for bearers of a token of the control plane\'s namespace');
    return handler(request);
  };
  const index: HttpRoute = { method: 'GET', path: '/debug', handler: guarded(() => ({ body: { pages: Object.keys(pages).map((name) => `/debug/${name}`) } })) };
  const routes = Object.entries(pages).map(([name, handler]): HttpRoute => ({ method: 'GET', path: `/debug/${name}`, handler: guarded(handler) }));
  return [index, ...routes, ...loggingRoutes().map((route) => ({ ...route, handler: guarded(route.handler) }))];
}

function snapshotOf({ snapshots }: DebugSources) {
  if (!snapshots.current) throw new HttpError(503, 'there is no snapshot yet');
  return snapshots.current;
}

function pushStatus(sources: DebugSources): object {
  const snapshot = snapshotOf(sources);
  const connections = [...sources.ads.connections];
  return {
    snapshot: snapshot.number,
    services: snapshot.services.size,
    behind: connections.filter((connection) => connection.pushedSnapshot < snapshot.number && connection.pushedSnapshot > 0).map((connection) => connection.proxy?.id),
    refused: connections.flatMap((connection) => connection.status().filter((status) => status.lastError !== '').map((status) => ({ proxy: connection.proxy?.id, type: shortTypeName(status.typeUrl), error: status.lastError }))),
    issues: [...sources.snapshots.issues, ...sources.meshConfigIssues(), ...[...sources.tables.issues.values()].flat()],
  };
}

function connectionOf(sources: DebugSources, query: URLSearchParams): AdsConnection {
  const wanted = query.get('proxyID') ?? '';
  const found = [...sources.ads.connections].find((connection) => connection.proxy?.id === wanted || connection.id === wanted);
  if (!found) throw new HttpError(404, `no proxy ${wanted} is connected here; it may be connected to another replica (see /debug/syncz). Use ?proxyID=<pod>.<namespace>`);
  return found;
}

async function configDump(connection: AdsConnection): Promise<object> {
  const configs: object[] = [];
  for (const typeUrl of PUSH_ORDER) {
    const resources = await connection.dump(typeUrl);
    configs.push({ typeUrl, type: shortTypeName(typeUrl), resources: resources.map(({ name, version, message }) => ({ name, version, message })) });
  }
  return { proxy: connection.proxy, snapshot: connection.pushedSnapshot, configs };
}
