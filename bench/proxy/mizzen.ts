// Our data plane alone, as the benchmark's subject: one listener, one route, one cluster. `node bench/proxy/mizzen.ts ADDRESS PORT ORIGIN_PORT [http1|http2]`, the last for the
// origin's protocol.
import { createDataPlane } from '../../src/proxy/listener/index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../src/proxy/listener/testdata/config-builder.ts';

const [, , address = '127.0.0.1', port = '0', originPort = '0', origin = 'http1'] = process.argv;
const plane = createDataPlane({ onBindError: ({ error }) => process.stderr.write(`${error}\n`) });
const base = cluster('origin', [endpoint(address, Number(originPort))]);
plane.apply(runtimeConfig({
  listeners: [listener('bench', address, [filterChain([connectionManager()])], { port: Number(port) })],
  clusters: [{ ...base, protocol: { ...base.protocol, http: origin === 'http2' ? 'http2' : 'http1' } }],
  routes: [routeConfig([virtualHost([route(routeAction('origin'))])])],
}));
