// HTTP to a port inside a pod, through the API server's port-forward over WebSocket (v4.channel.k8s.io): nothing of the user's network is needed,
// and ports bound to the pod's loopback can be reached too.
import { request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { describeError } from '../../shared/lib/index.ts';

/** Channels of one forwarded port: its bytes, and what went wrong. Each begins with the port's number. */
const DATA = 0;
const FAILURE = 1;
const TIMEOUT_MILLISECONDS = 10_000;

/** The body of a GET answered 200; throws otherwise, naming the pod and the port. */
export async function getFromPod(client: KubeClient, namespace: string, pod: string, port: number, path: string): Promise<string> {
  try {
    const connection = await forwardPort(client, namespace, pod, port);
    try {
      return await get(connection, path);
    } finally {
      connection.destroy();
    }
  } catch (cause) {
    // The cause's text is in it, so it is not attached: it would be printed twice.
    throw new Error(`port ${port} of pod ${namespace}/${pod}: ${reasonOf(cause)}`);
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Error && cause.name === 'TimeoutError') return `no answer within ${TIMEOUT_MILLISECONDS / 1000} s`;
  // The API server names port and pod too: once is enough.
  return describeError(cause).replace(/^error forwarding port \d+ to pod [^:]*: /, '');
}

/** A byte stream to a port of a pod. */
async function forwardPort(client: KubeClient, namespace: string, pod: string, port: number): Promise<Duplex> {
  const { server, headers, tls } = await client.connectionSettings();
  const url = `${server.replace(/^http/, 'ws')}/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  const socket = new WebSocket(url, ['v4.channel.k8s.io'], { ...tls, headers, handshakeTimeout: TIMEOUT_MILLISECONDS });
  socket.binaryType = 'nodebuffer';
  // Before the opening: the first messages may come with it.
  const stream = streamOver(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (cause) => reject(new Error(`cannot be reached through ${server}: ${cause.message}`, { cause })));
    socket.once('unexpected-response', (_request, response) => { readRefusal(response).then(reject, reject); });
  });
  return stream;
}

/** Why the API server does not open the stream, from its Status. */
async function readRefusal(response: IncomingMessage): Promise<Error> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) if (text.length < 16_384) text += chunk as string;
  return new Error(KubeError.fromResponse('port-forward', response.statusCode ?? 0, text).serverMessage);
}

function streamOver(socket: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(DATA), chunk]), (error) => done(error ?? null)),
    final: (done) => done(),
    destroy: (error, done) => {
      socket.close();
      done(error);
    },
  });
  const announced = new Set<number>();
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? DATA;
    const first = !announced.has(channel);
    announced.add(channel);
    const payload = message.subarray(first ? 3 : 1);
    if (payload.length === 0) return;
    if (channel === FAILURE) stream.destroy(new Error(payload.toString('utf8')));
    else stream.push(payload);
  });
  socket.on('close', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  stream.on('error', () => undefined); // Whoever uses the stream hears of it too; nobody does before the opening.
  return stream;
}

function get(connection: Duplex, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // It may have failed already: the answer to the opening can bring the failure with it.
    if (connection.errored) {
      reject(connection.errored);
      return;
    }
    connection.on('error', reject);
    const outgoing = request({ path, headers: { host: 'localhost', connection: 'close' }, createConnection: () => connection, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${path} answered ${response.statusCode}: ${body.slice(0, 200).trim()}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
