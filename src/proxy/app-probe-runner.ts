// Executes an application's original probe on its behalf: kubelet asks the agent, which can reach the app behind the capture.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { GrpcClient, type GrpcMethod } from '../shared/grpc/index.ts';
import { describeError } from '../shared/lib/index.ts';
import type { AppProbe, GrpcProbe, HttpProbe, TcpProbe } from './options/index.ts';

/** What came of a probe: the HTTP status to answer with. */
export interface ProbeOutcome {
  readonly status: number;
  readonly text: string;
}

const HEALTH_CHECK: GrpcMethod<string, number> = {
  path: '/grpc.health.v1.Health/Check',
  request: { encode: (service) => (service === '' ? new Uint8Array() : Buffer.concat([Buffer.from([10, Buffer.byteLength(service)]), Buffer.from(service)])), decode: () => '' },
  response: { encode: () => new Uint8Array(), decode: (bytes) => (bytes[0] === 8 ? bytes[1] ?? 0 : 0) },
};

/** Executes `probe` against the application at `address`. */
export async function runProbe(probe: AppProbe, address: string, incoming: Readonly<Record<string, string | string[] | undefined>> = {}): Promise<ProbeOutcome> {
  try {
    switch (probe.kind) {
      case 'http': return await probeHttp(probe, address, incoming);
      case 'tcp': return await probeTcp(probe, address);
      case 'grpc': return await probeGrpc(probe, address);
    }
  } catch (error) {
    return { status: 500, text: describeError(error) };
  }
}

/** The app's own status is passed on; a redirect counts as good, as it does for kubelet. */
function probeHttp(probe: HttpProbe, address: string, incoming: Readonly<Record<string, string | string[] | undefined>>): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const named = probe.headers.find(({ name }) => name.toLowerCase() === 'host')?.value;
    const options = {
      host: probe.host || address, port: probe.port, path: probe.path, method: 'GET', agent: false,
      headers: {
        'user-agent': String(incoming['user-agent'] ?? 'kube-probe/mizzen'),
        ...Object.fromEntries(probe.headers.filter(({ name }) => name.toLowerCase() !== 'host').map(({ name, value }) => [name, value])),
        host: named ?? `${probe.host || address}:${probe.port}`,
        connection: 'close',
      },
      // Kubelet does not verify certificates of probes either.
      rejectUnauthorized: false,
      timeout: probe.timeoutMilliseconds,
    };
    const request = (probe.scheme === 'https' ? httpsRequest : httpRequest)(options, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 500, text: '' }));
      response.on('error', reject);
    });
    const limit = setTimeout(() => request.destroy(new Error(`no answer within ${probe.timeoutMilliseconds} ms`)), probe.timeoutMilliseconds);
    request.on('close', () => clearTimeout(limit));
    request.on('error', reject);
    request.end();
  });
}

function probeTcp({ port, timeoutMilliseconds }: TcpProbe, address: string): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    socket.setTimeout(timeoutMilliseconds, () => socket.destroy(new Error(`no connection within ${timeoutMilliseconds} ms`)));
    socket.once('connect', () => {
      socket.destroy();
      resolve({ status: 200, text: '' });
    });
    socket.once('error', reject);
  });
}

async function probeGrpc({ port, service, timeoutMilliseconds }: GrpcProbe, address: string): Promise<ProbeOutcome> {
  const client = new GrpcClient({ address: `${address}:${port}` });
  try {
    const status = await client.unary(HEALTH_CHECK, service, { timeoutMilliseconds });
    return status === 1 ? { status: 200, text: '' } : { status: 500, text: `the service answered health status ${status}` };
  } finally {
    client.close();
  }
}
