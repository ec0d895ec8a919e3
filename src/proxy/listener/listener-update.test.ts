// What a changed listener means for connections that are already there.
import { Agent, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness } from './testdata/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.3.1');
});
afterEach(() => harness.close());

const denyAll = { name: 'rbac', kind: 'rbac' as const, shadowRules: null, rules: { action: 'deny' as const, policies: [{ name: 'all', permissions: [{ kind: 'any' as const }], principals: [{ kind: 'any' as const }] }] } };

describe('an updated listener', () => {
  it('applies a changed policy to the next request of a kept connection', async () => {
    const upstream = await harness.httpServer((_request, response) => response.end('ok'));
    const make = (denied: boolean, number: number) => {
      const manager = connectionManager();
      const filters = denied ? [denyAll, ...manager.httpFilters] : manager.httpFilters;
      const base = listener('in', harness.address, [filterChain([{ ...manager, httpFilters: filters }])]);
      return runtimeConfig({ listeners: [{ ...base, digest: `listener ${number}` }], clusters: [cluster('a', [endpoint(harness.address, upstream)])], routes: [routeConfig([virtualHost([route(routeAction('a'))])])] });
    };
    const plane = await harness.dataPlane(make(false, 1));
    const port = harness.portOf(plane, 'in');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const clientPorts = new Set<number>();
    const ask = () => new Promise<number>((resolve, reject) => {
      const asked = request({ host: harness.address, port, agent }, (response) => {
        clientPorts.add(response.socket.localPort ?? 0);
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      asked.on('error', reject).end();
    });
    expect(await ask()).toBe(200);
    expect(plane.apply(make(true, 2)).rejected).toEqual([]);
    expect(await ask()).toBe(403);
    expect(plane.apply(make(false, 3)).rejected).toEqual([]);
    expect(await ask()).toBe(200);
    expect(clientPorts.size).toBe(1);
    agent.destroy();
  });
});
