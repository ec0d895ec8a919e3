// The data plane of a captured pod, for capture.test.ts, which runs it in a network namespace: virtualOutbound on 15001 hands over to the listener of the destination
// or passes through, virtualInbound on 15006 chooses by the port that was meant. Each cluster leads to a server here that tells its own name.
import { createServer } from 'node:http';
import { createDataPlane } from '../listener/index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../listener/testdata/config-builder.ts';
import { redirectedDestination } from '../net/redirected-destination.ts';
import { loadSocketCalls } from '../net/socket-calls.ts';

const [, , podAddress = '', serviceAddress = '', podAddress6 = '', serviceAddress6 = ''] = process.argv;
const names = ['service', 'application', 'unknown'];
for (const [index, name] of names.entries()) {
  await new Promise<void>((done) => createServer((_request, response) => response.end(name)).listen(7001 + index, '127.0.0.1', done));
}
const to = (name: string): ReturnType<typeof connectionManager> => connectionManager({ routes: { kind: 'inline', config: routeConfig([virtualHost([route(routeAction(name))])], { name }) } });
const wide = (name: string, address: string, port: number, over: Parameters<typeof listener>[3]): ReturnType<typeof listener> => listener(name, address, [filterChain([to('unknown')])], { port, listenerFilters: ['original_dst'], ...over });
const plane = createDataPlane({ originalDestination: redirectedDestination(loadSocketCalls()), onBindError: ({ error }) => process.stderr.write(`${error}\n`) });
const inbound = [filterChain([to('application')], { name: 'application', when: { destinationPort: 9080 } }), filterChain([to('unknown')], { name: 'rest' })];
const { rejected } = plane.apply(runtimeConfig({
  listeners: [
    wide('virtualOutbound', '0.0.0.0', 15001, { useOriginalDestination: true }), wide('virtualInbound', '0.0.0.0', 15006, { direction: 'inbound', filterChains: inbound }),
    wide('virtualOutbound6', podAddress6, 15001, { useOriginalDestination: true }), wide('virtualInbound6', podAddress6, 15006, { direction: 'inbound', filterChains: inbound }),
    listener('service', serviceAddress, [filterChain([to('service')])], { port: 80, bindToPort: false }),
    listener('service6', serviceAddress6, [filterChain([to('service')])], { port: 80, bindToPort: false }),
  ],
  clusters: names.map((name, index) => cluster(name, [endpoint('127.0.0.1', 7001 + index)])),
  routes: [],
}));
if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
await plane.settled();
process.stdout.write(`ready ${podAddress}\n`);
