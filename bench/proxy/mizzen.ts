// Our data plane alone, as the benchmark's subject: one listener, one route, one cluster. `node bench/proxy/mizzen.ts ADDRESS PORT ORIGIN_PORT`.
import { createDataPlane } from '../../src/proxy/listener/index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../src/proxy/listener/testdata/config-builder.ts';

const [, , address = '127.0.0.1', port = '0', originPort = '0'] = process.argv;
const plane = createDataPlane({ onBindError: ({ error }) => process.stderr.write(`${error}\n`) });
plane.apply(runtimeConfig({
  listeners: [listener('bench', address, [filterChain([connectionManager()])], { port: Number(port) })],
  clusters: [cluster('origin', [endpoint(address, Number(originPort))])],
  routes: [routeConfig([virtualHost([route(routeAction('origin'))])])],
}));
