// The cases by which gRPC's implementations prove that they understand one another, between the Go client and server with both sidecars and mutual TLS between them.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GRPC_INTEROP_IMAGE, provideGrpcInteropImage } from './support/peer-images.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { service } from './support/workloads.ts';

const CASES = [
  'empty_unary', 'large_unary', 'client_streaming', 'server_streaming', 'ping_pong', 'empty_stream', 'timeout_on_sleeping_server', 'cancel_after_begin', 'cancel_after_first_response',
  'status_code_and_message', 'special_status_message', 'custom_metadata', 'unimplemented_method', 'unimplemented_service',
];
let space: TestNamespace;

/** The client's pod runs a server too, which keeps it alive: the image has no shell. */
function interopPod(name: string): object {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name, 'sidecar.istio.io/inject': 'true' } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'interop', image: GRPC_INTEROP_IMAGE, imagePullPolicy: 'Never', readinessProbe: { tcpSocket: { port: 10_000 }, periodSeconds: 1 } }] },
  };
}

const run = (name: string, server = 'grpc-server'): ReturnType<TestNamespace['exec']> =>
  space.exec('grpc-client', ['/usr/bin/interop-client', `--server_host=${server}`, '--server_port=10000', `--test_case=${name}`], { container: 'interop', timeoutMilliseconds: 60_000 });

beforeAll(async () => {
  await provideGrpcInteropImage();
  space = await TestNamespace.create('grpc-interop', { member: true });
  await space.apply([
    { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
    interopPod('grpc-server'), interopPod('grpc-client'), service('grpc-server', [{ name: 'grpc', port: 10_000 }]),
  ]);
  await space.ready();
  await vi.waitFor(async () => expect((await run('empty_unary')).status).toBe(0), { timeout: 30_000, interval: 500 });
});
afterAll(() => space?.remove());

describe('gRPC interoperability through two sidecars', () => {
  it.each(CASES)('%s', async (name) => {
    const { status, stderr, stdout } = await run(name);
    expect({ status, output: status === 0 ? '' : `${stdout}${stderr}`.slice(-600) }).toEqual({ status: 0, output: '' });
  });

  it('a case that cannot hold fails, so the others mean something', async () => {
    expect((await run('empty_unary', 'nobody')).status).not.toBe(0);
  });
});
