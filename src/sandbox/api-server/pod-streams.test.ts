import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createServer, connect, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PodStreams } from './internal-client.ts';
import { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
let token: string;
const echo = createServer((socket) => socket.pipe(socket));

const streams: PodStreams = {
  async *logs(_namespace, _pod, options) {
    await Promise.resolve();
    yield Buffer.from(`${options.container ?? ''} tail=${String(options.tailLines)}\n`);
  },
  exec: async (_namespace, _pod, { command, stdin }) => {
    await sleep(30); // A program takes its time to start.
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const input = stdin ? new PassThrough() : undefined;
    if (input) input.pipe(stdout);
    else stdout.end(`ran ${command.join(' ')}`);
    stderr.end('complaint');
    return { stdin: input, stdout, stderr, exit: new Promise((resolve) => { stdout.on('end', () => { resolve(command[0] === 'fail' ? 3 : 0); }); }), kill: () => undefined };
  },
  portForward: async (_namespace, _pod, port) => {
    await sleep(30); // So does a connection.
    const socket = connect({ port, host: '127.77.0.77', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  },
};

beforeAll(async () => {
  await new Promise<void>((resolve) => { echo.listen(0, '127.77.0.77', () => { resolve(); }); });
  cluster = await TestCluster.start('127.77.0.7', { podStreams: streams });
  await cluster.post('/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec: { nodeName: 'node', containers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i' }] } });
  await cluster.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { metadata: { name: 'all' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }] });
  token = (await cluster.post('/api/v1/namespaces/default/serviceaccounts/default/token', {})).body.status.token as string;
});
afterAll(async () => {
  await cluster.stop();
  echo.close();
});

/** Opens a WebSocket and gathers what comes on each channel. */
function open(path: string, protocol = 'v5.channel.k8s.io'): { socket: WebSocket; channels: Map<number, string>; closed: Promise<void> } {
  const socket = new WebSocket(new URL(`/api/v1/namespaces/default/pods/p/${path}`, cluster.server.url), protocol, { ca: cluster.server.certificateAuthorityPem, headers: { authorization: `Bearer ${token}` } });
  const channels = new Map<number, string>();
  socket.on('message', (data: Buffer) => channels.set(data[0] ?? -1, (channels.get(data[0] ?? -1) ?? '') + data.subarray(1).toString('latin1')));
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('close', () => { resolve(); });
    socket.on('error', reject);
  });
  return { socket, channels, closed };
}

describe('pods\' streams', () => {
  it('logs come from the chosen container', async () => {
    expect((await cluster.get('/api/v1/namespaces/default/pods/p/log?container=b&tailLines=5')).body).toBe('b tail=5\n');
    expect((await cluster.get('/api/v1/namespaces/default/pods/p/log')).body.message).toBe('a container name must be specified for pod p, choose one of: [a b]');
    expect((await cluster.get('/api/v1/namespaces/default/pods/p/log?container=z')).body.message).toBe('container z is not valid for pod p');
  });

  it('exec tells output, errors and the exit status apart', async () => {
    const { channels, closed } = open('exec?container=a&command=fail&command=now&stdout=true&stderr=true');
    await closed;
    expect(channels.get(1)).toBe('ran fail now');
    expect(channels.get(2)).toBe('complaint');
    expect(JSON.parse(channels.get(3) ?? '')).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  });

  it('exec passes standard input on and its end', async () => {
    const { socket, channels, closed } = open('exec?container=a&command=cat&stdin=true&stdout=true');
    socket.on('open', () => {
      socket.send(Buffer.from('\0hello'));
      socket.send(Buffer.from([255, 0]));
    });
    await closed;
    expect(channels.get(1)).toBe('hello');
    expect(JSON.parse(channels.get(3) ?? '')).toMatchObject({ status: 'Success' });
  });

  it('port-forward carries bytes both ways', async () => {
    const { port } = echo.address() as AddressInfo;
    const { socket, channels } = open(`portforward?ports=${String(port)}`, 'v4.channel.k8s.io');
    await new Promise((resolve) => { socket.on('open', resolve); });
    socket.send(Buffer.from('\0ping'));
    await new Promise<void>((resolve) => { socket.on('message', () => { if (channels.get(0)?.endsWith('ping') === true) resolve(); }); });
    expect(channels.get(0)?.slice(2)).toBe('ping');
    socket.close();
  });

  it('port-forward ends when the pod ends, and says why a port cannot be reached', async () => {
    const goodbye = createServer((socket) => socket.end('goodbye'));
    await new Promise<void>((resolve) => { goodbye.listen(0, '127.77.0.77', () => { resolve(); }); });
    const { port } = goodbye.address() as AddressInfo;
    const { channels, closed } = open(`portforward?ports=${String(port)}`, 'v4.channel.k8s.io');
    await closed;
    expect(channels.get(0)?.slice(2)).toBe('goodbye');
    await new Promise((resolve) => goodbye.close(resolve));
    const refused = open(`portforward?ports=${String(port)}`, 'v4.channel.k8s.io');
    await refused.closed;
    expect(refused.channels.get(1)?.slice(2)).toContain('ECONNREFUSED');
  });

  it('a protocol that is not spoken is refused with a reason', async () => {
    await expect(open('portforward?ports=80', 'other.example').closed).rejects.toThrow('400');
    expect((await cluster.post('/api/v1/namespaces/default/pods/p/exec?container=a&command=x', {})).body.message).toContain('Upgrade request required');
  });
});
