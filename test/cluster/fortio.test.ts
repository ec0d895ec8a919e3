// fortio, somebody else's load generator and echo server, as client and server in the mesh: HTTP/1.1, HTTP/2, gRPC and TCP through two sidecars with mutual TLS, without a failed request.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FORTIO_IMAGE, provideFortioImage } from './support/peer-images.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { service } from './support/workloads.ts';

const REQUESTS = 400;
let space: TestNamespace;

interface Report {
  readonly DurationHistogram: { readonly Count: number };
  readonly RetCodes: Readonly<Record<string, number>>;
}

function fortioPod(name: string): object {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name, 'sidecar.istio.io/inject': 'true' } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'fortio', image: FORTIO_IMAGE, imagePullPolicy: 'Never', args: ['server', '-config-dir', '', '-data-dir', '/tmp'], readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }] },
  };
}

beforeAll(async () => {
  await provideFortioImage();
  space = await TestNamespace.create('fortio', { member: true });
  await space.apply([
    { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
    fortioPod('server'), fortioPod('client'),
    service('server', [{ name: 'http', port: 8080 }, { name: 'grpc', port: 8079 }, { name: 'tcp', port: 8078 }]),
  ]);
  await space.ready();
  // The news of the server's endpoint may be later than its readiness.
  await vi.waitFor(async () => expect((await space.exec('client', ['/usr/bin/fortio', 'curl', 'http://server:8080/echo'], { container: 'fortio' })).status).toBe(0), { timeout: 30_000, interval: 500 });
});
afterAll(() => space?.remove());

/** Runs a load and gives fortio's own report. */
async function load(...args: readonly string[]): Promise<Report> {
  const result = await space.exec('client', ['/usr/bin/fortio', 'load', '-quiet', '-json', '-', '-qps', '0', '-c', '4', '-n', String(REQUESTS), ...args], { container: 'fortio', timeoutMilliseconds: 100_000 });
  const start = result.stdout.indexOf('{');
  if (start < 0) throw new Error(`fortio gave no report (status ${result.status ?? 'none'}): ${result.stderr.slice(-500)}`);
  return JSON.parse(result.stdout.slice(start)) as Report;
}

describe('fortio through two sidecars', () => {
  it.each([
    { what: 'HTTP/1.1', args: ['http://server:8080/echo'], code: '200' },
    { what: 'HTTP/1.1 with bodies', args: ['-payload-size', '20000', 'http://server:8080/echo'], code: '200' },
    { what: 'HTTP/2', args: ['-h2', '-stdclient', 'http://server:8080/echo'], code: '200' },
    { what: 'answers of many sizes', args: ['http://server:8080/echo?size=10:50,100000:40,0:10'], code: '200' },
    { what: 'gRPC health', args: ['-grpc', 'server:8079'], code: 'SERVING' },
    { what: 'gRPC ping', args: ['-grpc', '-ping', 'server:8079'], code: 'SERVING' },
    { what: 'TCP', args: ['-payload-size', '1000', 'tcp://server:8078'], code: 'OK' },
  ])('$what', async ({ args, code }) => {
    const report = await load(...args);
    expect(report.RetCodes).toEqual({ [code]: REQUESTS });
  });

  it('sees the statuses that the server gives', async () => {
    expect((await load('-allow-initial-errors', 'http://server:8080/echo?status=418')).RetCodes).toEqual({ 418: REQUESTS });
  });

  it('went over mutual TLS', async () => {
    const answer = await space.execText('client', ['/usr/bin/fortio', 'curl', 'http://server:8080/debug'], { container: 'fortio' });
    expect(answer).toContain('URI=spiffe://cluster.local/ns/fortio/sa/default');
  });
});
