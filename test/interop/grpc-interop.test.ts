// gRPC's interoperability cases between the Go client and server with one proxy before the server, a real Envoy and our own data plane in turn: what passes the one passes the other.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { provideGoProgram, runToEnd, type Outcome } from '../../tools/peers/index.ts';
import { InteropControlPlane } from './control-plane.ts';
import { envoyPath } from './envoy-path.ts';
import { startProxy, type RunningProxy } from './proxy-programs.ts';
import { meshPod, registryOf, type MeshService } from './small-mesh.ts';

const PORT = 28_120;
/** The server binds every address, which leaves none for the proxies on its port. */
const SERVER_PORT = 28_121;
const CASES = [
  'empty_unary', 'large_unary', 'client_streaming', 'server_streaming', 'ping_pong', 'empty_stream', 'timeout_on_sleeping_server', 'cancel_after_begin', 'cancel_after_first_response',
  'status_code_and_message', 'special_status_message', 'custom_metadata', 'unimplemented_method', 'unimplemented_service',
];
const PODS = { envoy: meshPod('grpc-envoy', 'v1', 61), own: meshPod('grpc-own', 'v1', 62) };
const SERVICES: readonly MeshService[] = (['envoy', 'own'] as const).map((kind, index) => ({ app: `grpc-${kind}`, namespace: 'shop', last: 61 + index, ports: [{ name: 'grpc', port: PORT }] }));

let directory: string;
let plane: InteropControlPlane;
let client = '';
let server: ChildProcess;
let forwarder: Server;
const proxies: RunningProxy[] = [];

beforeAll(async () => {
  const [found, serverProgram] = [await provideGoProgram('grpc-interop-client'), await provideGoProgram('grpc-interop-server')];
  if (!found.found) throw new Error(found.reason);
  if (!serverProgram.found) throw new Error(serverProgram.reason);
  client = found.path;
  directory = mkdtempSync(join(tmpdir(), 'interop-'));
  plane = await InteropControlPlane.start(directory, 4);
  plane.publish(registryOf(SERVICES, Object.values(PODS)), []);
  const envoy = await envoyPath();
  const started = await Promise.allSettled((['envoy', 'own'] as const).map(async (kind) => void proxies.push(await startProxy({ plane, pod: PODS[kind], ...(kind === 'envoy' ? { envoy } : {}) }))));
  for (const result of started) if (result.status === 'rejected') throw result.reason;
  forwarder = createServer((socket) => {
    const onward = connect(SERVER_PORT, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => forwarder.listen(PORT, '127.0.0.1', resolve));
  server = spawn(serverProgram.path, [`--port=${SERVER_PORT}`], { stdio: 'ignore' });
  await vi.waitFor(() => new Promise<void>((resolve, reject) => connect(SERVER_PORT, '127.0.0.1').once('connect', function connected(this: { destroy(): void }) {
    this.destroy();
    resolve();
  }).once('error', reject)), { timeout: 10_000, interval: 100 });
});
afterAll(async () => {
  server?.kill('SIGKILL');
  forwarder?.close();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (host: string, name: string): Promise<Outcome> => runToEnd(['timeout', '15', client, `--server_host=${host}`, `--server_port=${PORT}`, `--test_case=${name}`]);

describe.each(['envoy', 'own'] as const)('with %s before the server', (kind) => {
  test.each(CASES)('%s', async (name) => {
    const { status, output } = await run(PODS[kind].ip, name);
    expect({ status, output: status === 0 ? '' : output.slice(-600) }).toEqual({ status: 0, output: '' });
  });
});
