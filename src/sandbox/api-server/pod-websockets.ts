// Exec, attach and port-forward over WebSocket, in the channel protocols of Kubernetes (v4 and v5.channel.k8s.io): the first
// byte of a message is its channel.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { describeError } from '../../shared/lib/index.ts';
import { ApiStatusError, type PodStreams } from './internal-client.ts';
import { serveTunnel, TUNNEL_PROTOCOL } from './spdy/port-forward-tunnel.ts';
import { badRequest, internalError, statusOf } from './status.ts';

/** One exec to serve. */
export interface ExecRequest {
  readonly streams: PodStreams;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** One port-forward to serve. */
export interface PortForwardRequest {
  readonly streams: PodStreams;
  readonly namespace: string;
  readonly pod: string;
  readonly ports: readonly number[];
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;
const EXEC_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const PORT_FORWARD_PROTOCOLS = [TUNNEL_PROTOCOL, ...EXEC_PROTOCOLS];

const server = new WebSocketServer({
  noServer: true,
  maxPayload: 4 * 1024 * 1024,
  handleProtocols: (offered) => EXEC_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

// The tunnel's name has a slash, which RFC 6455 does not allow and the library refuses: the protocol is agreed on around it.
const tunnelServer = new WebSocketServer({ noServer: true, maxPayload: 4 * 1024 * 1024 });
tunnelServer.on('headers', (headers) => { headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`); });

/** Throws 400 unless the client speaks a protocol that is spoken here. */
function checkProtocol(request: IncomingMessage, spoken: readonly string[]): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw badRequest(`Upgrade to ${request.headers.upgrade ?? 'nothing'} is not served here; use a client that speaks WebSocket`);
  if (!offered.some((protocol) => spoken.includes(protocol))) throw badRequest(`none of the WebSocket protocols [${offered.join(', ')}] is served here; use ${spoken.join(' or ')}`);
}

function accept(request: IncomingMessage, socket: Duplex, head: Buffer, by = server): Promise<WebSocket> {
  return new Promise((resolve) => {
    by.handleUpgrade(request, socket, head, (client) => {
      // The first bytes of a client may come before the pod's end is open: they wait until somebody listens.
      client.pause();
      resolve(client);
    });
  });
}

/** Runs a command in a container. */
export async function serveExec(request: IncomingMessage, socket: Duplex, head: Buffer, exec: ExecRequest): Promise<void> {
  const { streams, namespace, pod, container, command, stdin, tty } = exec;
  checkProtocol(request, EXEC_PROTOCOLS);
  const client = await accept(request, socket, head);
  try {
    const process = await streams.exec(namespace, pod, { container, command, stdin, tty });
    client.on('close', () => { process.kill(); });
    client.on('message', (data: Buffer) => {
      const channel = data[0];
      if (channel === STDIN) process.stdin?.write(data.subarray(1));
      else if (channel === CLOSE && data[1] === STDIN) process.stdin?.end();
      else if (channel !== RESIZE) client.close(1002, 'unknown channel');
    });
    client.resume();
    const outputs = [forward(client, STDOUT, process.stdout), forward(client, STDERR, process.stderr)];
    const code = await process.exit;
    await Promise.all(outputs);
    finish(client, exitStatus(code));
  } catch (error) {
    client.resume();
    finish(client, statusOf(error instanceof ApiStatusError ? error : internalError(describeError(error))));
  }
}

async function forward(client: WebSocket, channel: number, source: AsyncIterable<Buffer | string>): Promise<void> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (client.readyState === client.OPEN) await new Promise<void>((resolve) => { client.send(Buffer.concat([Buffer.from([channel]), bytes]), () => { resolve(); }); });
  }
}

function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return { metadata: {}, status: 'Failure', message: `command terminated with non-zero exit code: exit status ${String(code)}`, reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: String(code) }] } };
}

function finish(client: WebSocket, status: object): void {
  if (client.readyState !== client.OPEN) return;
  client.send(Buffer.concat([Buffer.from([ERROR]), Buffer.from(JSON.stringify(status))]), () => { client.close(1000); });
}

/** Connects channels 2n (data) and 2n+1 (errors) to the pod's n-th port. */
export async function servePortForward(request: IncomingMessage, socket: Duplex, head: Buffer, forwarded: PortForwardRequest): Promise<void> {
  const { streams, namespace, pod, ports } = forwarded;
  checkProtocol(request, PORT_FORWARD_PROTOCOLS);
  if (tunnels(request)) {
    delete request.headers['sec-websocket-protocol'];
    serveTunnel(await accept(request, socket, head, tunnelServer), pod, (port) => streams.portForward(namespace, pod, port));
    return;
  }
  if (ports.length === 0 || ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) throw badRequest('query parameter "ports" is required: numbers from 1 to 65535');
  const client = await accept(request, socket, head);
  const connections = await Promise.all(ports.map(async (port, index) => {
    client.send(portMessage(index * 2, port));
    client.send(portMessage(index * 2 + 1, port));
    try {
      return connect(client, index * 2, await streams.portForward(namespace, pod, port));
    } catch (error) {
      client.send(Buffer.concat([Buffer.from([index * 2 + 1]), Buffer.from(`error forwarding port ${String(port)} to pod ${pod}: ${describeError(error)}`)]));
      return undefined;
    }
  }));
  client.on('message', (data: Buffer) => { connections[(data[0] ?? 0) / 2]?.write(data.subarray(1)); });
  client.on('close', () => { for (const connection of connections) connection?.destroy(); });
  client.resume();
  if (connections.every((connection) => connection === undefined)) client.close(1000);
}

/** Whether the client wants streams as it goes, rather than channels for ports that it names at once. */
function tunnels(request: IncomingMessage): boolean {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').some((text) => text.trim() === TUNNEL_PROTOCOL);
}

function portMessage(channel: number, port: number): Buffer {
  return Buffer.from([channel, port & 255, port >> 8]);
}

function connect(client: WebSocket, channel: number, connection: Duplex): Duplex {
  connection.on('data', (chunk: Buffer) => {
    client.send(Buffer.concat([Buffer.from([channel]), chunk]), () => { connection.resume(); });
    if (client.bufferedAmount > 1024 * 1024) connection.pause();
  });
  // These channels know no half close: the pod's end is the end.
  connection.on('end', () => { connection.end(); });
  connection.on('close', () => { client.close(1000); });
  connection.on('error', (error) => { client.send(Buffer.concat([Buffer.from([channel + 1]), Buffer.from(error.message)])); });
  return connection;
}
