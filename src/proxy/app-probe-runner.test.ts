// Probes executed against small real servers.
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcServer, type GrpcMethod } from '../shared/grpc/index.ts';
import { runProbe } from './app-probe-runner.ts';

const HOST = '127.77.2.1';
const TARGET = { address: HOST, source: '' };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  open.push(server);
  return (server.address() as AddressInfo).port;
};

describe('HTTP probes', () => {
  it('pass on the path, headers and host, and the status', async () => {
    const seen: unknown[] = [];
    const port = await listen(createServer((request, response) => {
      seen.push(request.url, request.headers.host, request.headers['x-a'], request.headers['user-agent']);
      response.writeHead(418).end();
    }));
    const outcome = await runProbe({ kind: 'http', path: '/ready?x=1', port, scheme: 'http', host: '', headers: [{ name: 'Host', value: 'h.example' }, { name: 'X-A', value: '1' }], timeoutMilliseconds: 1000 }, TARGET, { 'user-agent': 'kube-probe/1.30' });
    expect(outcome.status).toBe(418);
    expect(seen).toEqual(['/ready?x=1', 'h.example', '1', 'kube-probe/1.30']);
  });

  it('fail when nothing answers in time', async () => {
    const port = await listen(createServer(() => undefined));
    expect(await runProbe({ kind: 'http', path: '/', port, scheme: 'http', host: '', headers: [], timeoutMilliseconds: 100 }, TARGET)).toMatchObject({ status: 500, text: 'no answer within 100 ms' });
  });
});

describe('TCP probes', () => {
  it('succeed by connecting, and fail when refused', async () => {
    const port = await listen(createTcpServer((socket) => socket.end()));
    expect((await runProbe({ kind: 'tcp', port, timeoutMilliseconds: 1000 }, TARGET)).status).toBe(200);
    expect((await runProbe({ kind: 'tcp', port: 1, timeoutMilliseconds: 1000 }, TARGET)).status).toBe(500);
  });
});

describe('gRPC probes', () => {
  it.each([[1, 200], [2, 500]])('health status %i gives %i', async (health, status) => {
    const check: GrpcMethod<string, number> = {
      path: '/grpc.health.v1.Health/Check', request: { encode: () => new Uint8Array(), decode: (bytes) => Buffer.from(bytes.slice(2)).toString() }, response: { encode: (value) => Buffer.from([8, value]), decode: () => 0 },
    };
    const services: string[] = [];
    const server = new GrpcServer({ name: 'health', host: HOST, port: 0, stopTimeoutMilliseconds: 100 }).addUnary(check, async (service) => {
      services.push(service);
      return health;
    });
    await server.start();
    open.push({ close: () => server.stop() });
    expect((await runProbe({ kind: 'grpc', port: server.port, service: 'svc', timeoutMilliseconds: 1000 }, TARGET)).status).toBe(status);
    expect(services).toEqual(['svc']);
  });
});
