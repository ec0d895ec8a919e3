// A data plane with one HTTP filter in front of an application that tells in JSON what reached it.
import type { HttpFilterConfig } from '../../config/filter-config.ts';
import { Findings } from '../../config/findings.ts';
import type { RouteEntryConfig } from '../../config/route-config.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../listener/testdata/config-builder.ts';
import type { Harness } from '../../listener/testdata/harness.ts';
import { StatsStore } from '../../stream/stats-store.ts';

/** What reached the application. */
export interface Arrived { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string }

/** What a compiler makes of a message in which it finds nothing wrong. */
export function compiled<T>(compile: (findings: Findings) => T): T {
  const findings = new Findings('test', '');
  const value = compile(findings);
  if (findings.issues.length > 0) throw new Error(JSON.stringify(findings.issues));
  return value;
}

/** Fields that a compiler refuses a message for. */
export function refused(compile: (findings: Findings) => unknown): string[] {
  const findings = new Findings('test', '');
  compile(findings);
  return findings.issues.filter(({ level }) => level === 'error').map(({ path = '' }) => path);
}

/** Starts it; the cluster of the application is called `app`. */
export async function startWithFilter(harness: Harness, filter: HttpFilterConfig, routes: (to: (over?: Parameters<typeof route>[1]) => RouteEntryConfig) => RouteEntryConfig[] = (to) => [to()]): Promise<{ readonly port: number; readonly stats: StatsStore }> {
  const stats = new StatsStore();
  const app = await harness.httpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.writeHead(request.url === '/missing' ? 404 : 200, { 'x-app': 'yes' });
      response.end(JSON.stringify({ url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() }));
    });
  });
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager({ filters: [filter] })])])], clusters: [cluster('app', [endpoint(harness.address, app)])],
    routes: [routeConfig([virtualHost(routes((over = {}) => route(routeAction('app'), over)))])],
  }), { stats, localCluster: 'web.shop' });
  return { port: harness.portOf(plane, 'in'), stats };
}
