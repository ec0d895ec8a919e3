// Executes an application's original probe on its behalf: kubelet asks the agent, which can reach the app behind the capture.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { describeError } from '../shared/lib/index.ts';
import type { ApplicationAddress, AppProbe, GrpcProbe, HttpProbe, TcpProbe } from './options/index.ts';

/** What came of a probe: the HTTP status to answer with. */
export interface ProbeOutcome {
  readonly status: number;
  readonly text: string;
}

/** Executes `probe` against the application at `target`. */
export async function runProbe(probe: AppProbe, target: ApplicationAddress, incoming: Readonly<Record<string, string | string[] | undefined>> = {}): Promise<ProbeOutcome> {
  try {
    switch (probe.kind) {
      case 'http': return await probeHttp(probe, target, incoming);
      case 'tcp': return await probeTcp(probe, target);
      case 'grpc': return await probeGrpc(probe, target);
    }
  } catch (error) {
    return { status: 500, text: describeError(error) };
  }
}

/** The app's own status is passed on; a redirect counts as good, as it does for kubelet. */
function probeHttp(probe: HttpProbe, target: ApplicationAddress, incoming: Readonly<Record<string, string | string[] | undefined>>): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const named = probe.headers.find(({ name }) => name.toLowerCase() === 'host')?.value;
    const options = {
      ...(probe.host === '' ? whereTo(target) : { host: probe.host }), port: probe.port, path: probe.path, method: 'GET', agent: false,
      headers: {
        'user-agent': String(incoming['user-agent'] ?? 'kube-probe/mizzen'),
        ...Object.fromEntries(probe.headers.filter(({ name }) => name.toLowerCase() !== 'host').map(({ name, value }) => [name, value])),
        host: named ?? authority(probe.host || target.address, probe.port),
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

function probeTcp({ port, timeoutMilliseconds }: TcpProbe, target: ApplicationAddress): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...whereTo(target), port });
    socket.setTimeout(timeoutMilliseconds, () => socket.destroy(new Error(`no connection within ${timeoutMilliseconds} ms`)));
    socket.once('connect', () => {
      socket.destroy();
      resolve({ status: 200, text: '' });
    });
    socket.once('error', reject);
  });
}

/** One call of grpc.health.v1.Health/Check, by hand: a client library would choose its own source address. */
function probeGrpc({ port, service, timeoutMilliseconds }: GrpcProbe, target: ApplicationAddress): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`http://${authority(target.address, port)}`, { createConnection: () => connect({ ...whereTo(target), port }) });
    const fail = (error: Error): void => {
      reject(error);
      session.destroy();
    };
    const limit = setTimeout(() => fail(new Error(`no answer within ${timeoutMilliseconds} ms`)), timeoutMilliseconds);
    session.on('error', fail);
    session.on('close', () => clearTimeout(limit));
    const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers' });
    let answer = Buffer.alloc(0);
    let code = '';
    const note = (headers: IncomingHttpHeaders): void => {
      code = String(headers['grpc-status'] ?? code);
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (data: Buffer) => {
      answer = Buffer.concat([answer, data]).subarray(0, 64);
    });
    stream.on('error', fail);
    stream.on('end', () => {
      resolve(healthOf(answer, code));
      session.close();
    });
    stream.end(healthRequest(service));
  });
}

/** HealthCheckRequest in its frame: no compression, length, then field 1. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([10, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** HealthCheckResponse: 1 in field 1 is SERVING. */
function healthOf(answer: Buffer, code: string): ProbeOutcome {
  if (code !== '0' && code !== '') return { status: 500, text: `the call ended with gRPC status ${code}` };
  const status = answer[5] === 8 ? answer[6] ?? 0 : 0;
  return status === 1 ? { status: 200, text: '' } : { status: 500, text: `the service answered health status ${status}` };
}

function whereTo({ address, source }: ApplicationAddress): { readonly host: string; readonly localAddress?: string } {
  return { host: address, ...(source === '' ? {} : { localAddress: source }) };
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
