// One attempt of a probe or of a lifecycle handler: httpGet, tcpSocket, exec, grpc.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { describeError } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';

type Spec = StoredObject['spec'];

/** The outcome of one attempt. */
export interface ProbeResult {
  readonly success: boolean;
  readonly message: string;
}

/** What an attempt is made with. */
export interface ProbeTarget {
  readonly podIp: string;
  /** The address that attempts come from: the node's. */
  readonly localAddress?: string;
  /** The container's ports, to find a port by name. */
  readonly container: Spec;
  /** Runs a command in the container; resolves with its exit status and output. */
  readonly exec: (command: readonly string[], timeoutMilliseconds: number) => Promise<{ code: number; output: string }>;
}

/** Makes one attempt, within the timeout. */
export async function attempt(handler: Spec, target: ProbeTarget, timeoutMilliseconds: number): Promise<ProbeResult> {
  try {
    if (handler.httpGet) return await httpGet(handler.httpGet, target, timeoutMilliseconds);
    if (handler.tcpSocket) return await tcpSocket(handler.tcpSocket, target, timeoutMilliseconds);
    if (handler.grpc) return await grpcHealth(handler.grpc, target, timeoutMilliseconds);
    if (handler.exec) {
      const { code, output } = await target.exec(handler.exec.command ?? [], timeoutMilliseconds);
      return { success: code === 0, message: output };
    }
    return { success: false, message: 'missing probe handler' };
  } catch (error) {
    return { success: false, message: describeError(error) };
  }
}

function portNumber(port: number | string, container: Spec): number {
  if (typeof port === 'number') return port;
  const named = (container.ports ?? []).find((candidate: Spec) => candidate.name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number)) throw new Error(`couldn't find port: ${port}`);
  return number;
}

// A probe of another host (its `host` field) leaves as the machine sends it.
function fromNode(target: ProbeTarget, host: string): { localAddress?: string } {
  return target.localAddress !== undefined && host === target.podIp ? { localAddress: target.localAddress } : {};
}

function httpGet(get: Spec, target: ProbeTarget, timeout: number): Promise<ProbeResult> {
  const secure = String(get.scheme ?? 'HTTP').toUpperCase() === 'HTTPS';
  const host = get.host || target.podIp;
  const port = portNumber(get.port, target.container);
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close' };
  for (const header of get.httpHeaders ?? []) headers[String(header.name).toLowerCase()] = header.value;
  const path = get.path ? (String(get.path).startsWith('/') ? get.path : `/${get.path}`) : '/';
  return new Promise((resolve, reject) => {
    const options = { host, port, path, headers, agent: false, ...fromNode(target, host), timeout, signal: AbortSignal.timeout(timeout), ...(secure ? { rejectUnauthorized: false } : {}) };
    const request = (secure ? https : http).get(options, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      response.on('error', () => undefined);
      const success = status >= 200 && status < 400;
      resolve({ success, message: success ? 'ok' : `HTTP probe failed with statuscode: ${status}` });
    });
    request.on('error', (error) => reject(error.name === 'AbortError' || error.name === 'TimeoutError' ? new Error(`Get "${secure ? 'https' : 'http'}://${host}:${port}${path}": context deadline exceeded`) : error));
  });
}

function tcpSocket(tcp: Spec, target: ProbeTarget, timeout: number): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const host = tcp.host || target.podIp;
    const socket = net.connect({ host, port: portNumber(tcp.port, target.container), ...fromNode(target, host) });
    socket.setTimeout(timeout, () => socket.destroy(new Error('i/o timeout')));
    socket.once('connect', () => { socket.destroy(); resolve({ success: true, message: 'ok' }); });
    socket.once('error', reject);
  });
}

// grpc.health.v1.Health/Check: one length-prefixed message each way; field 1 of the answer is the status, 1 is SERVING.
function grpcHealth(grpc: Spec, target: ProbeTarget, timeout: number): Promise<ProbeResult> {
  const service = Buffer.from(grpc.service ?? '');
  const message = service.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, service.length]), service]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return new Promise((resolve, reject) => {
    const port = portNumber(grpc.port, target.container);
    const session = http2.connect(`http://${target.podIp}:${port}`, { createConnection: () => net.connect({ host: target.podIp, port, ...fromNode(target, target.podIp) }) });
    const timer = setTimeout(() => finish(() => reject(new Error('timeout: failed to connect service within the deadline'))), timeout);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      session.destroy();
      settle();
    };
    session.on('error', (error) => finish(() => reject(error)));
    const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'kube-probe/1.34' });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => finish(() => reject(error)));
    stream.on('end', () => {
      const answer = Buffer.concat(chunks).subarray(5);
      const serving = answer.length >= 2 && answer[0] === 0x08 && answer[1] === 1;
      finish(() => resolve({ success: serving, message: serving ? 'ok' : 'service unhealthy' }));
    });
    stream.end(frame);
  });
}
