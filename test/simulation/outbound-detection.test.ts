// Captured connections to service ports whose protocol nobody declares: HTTP by its routes, everything else as the bytes that it is.
import { expect, it } from 'vitest';
import { compileListener } from '../../src/proxy/config/listener.ts';
import { compileFilterChainMatch } from '../../src/proxy/listener/filter-chain-match.ts';
import { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { createTranslator } from '../../src/mesh/index.ts';
import { objectsOf, resourcesOf } from '../../src/mesh/gateway-api/testdata/bind.ts';
import { sidecarProxy, snapshotOf } from './gateway-api-traffic.ts';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: greeter, namespace: default }
spec:
  clusterIP: 10.96.0.7
  selector: { app: greeter }
  ports: [{ name: unsaid, port: 9092 }]
`;

it.each([
  { what: 'HTTP/1.1', transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1'], serverName: '', leads: 'http_connection_manager' },
  { what: 'HTTP/2 without TLS', transportProtocol: 'raw_buffer', applicationProtocols: ['h2c'], serverName: '', leads: 'http_connection_manager' },
  { what: 'bytes that are not HTTP, or none in time', transportProtocol: 'raw_buffer', applicationProtocols: [], serverName: '', leads: 'tcp_proxy' },
  { what: 'TLS', transportProtocol: 'tls', applicationProtocols: ['h2'], serverName: 'greeter.example.com', leads: 'tcp_proxy' },
] as const)('$what to a port of undeclared protocol', ({ transportProtocol, applicationProtocols, serverName, leads }) => {
  const snapshot = snapshotOf(resourcesOf(objectsOf(SERVICE)));
  const [resource] = createTranslator().generate(snapshot, sidecarProxy('default'), TYPE_URLS.listener, ['10.96.0.7_9092']);
  expect(resource).toBeDefined();
  const listener = compileListener(Listener.decode(resource!.encode()));
  if (!listener.ok) throw new Error(JSON.stringify(listener.error));
  const chain = compileFilterChainMatch(listener.value)({ destinationAddress: '10.96.0.7', destinationPort: 9092, sourceAddress: '10.0.0.1', sourcePort: 40_000, serverName, transportProtocol, applicationProtocols });
  expect(chain?.filters.at(-1)?.kind).toBe(leads);
});
