import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PortListener } from './port-listener.ts';

const HOST = '127.93.7.1';
const closers: (() => void)[] = [];
afterEach(() => { for (const close of closers.splice(0)) close(); });

async function backend(onConnection: (socket: Socket) => void, host = HOST): Promise<{ address: string; port: number }> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => { socket.on('error', () => undefined); onConnection(socket); });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => server.close());
  return { address: host, port: (server.address() as AddressInfo).port };
}

async function listener(port: number, backends: { address: string; port: number }[], affinityMilliseconds = 0): Promise<PortListener> {
  const made = new PortListener();
  await made.listen(HOST, port);
  made.setTarget({ backends, affinityMilliseconds });
  closers.push(() => made.close(true));
  return made;
}

function talk(port: number, data?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port, allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks)));
    socket.on('error', reject);
    socket.end(data ?? Buffer.alloc(0));
  });
}

const say = (word: string) => (socket: Socket): void => { socket.end(word); };

describe('PortListener', () => {
  it('takes turns, and passes over a backend that refuses', async () => {
    const [a, b] = [await backend(say('a')), await backend(say('b'))];
    await listener(20_001, [a, { address: HOST, port: 1 }, b]);
    const answers = [];
    for (let index = 0; index < 6; index += 1) answers.push((await talk(20_001)).toString());
    expect(answers.filter((answer) => answer === 'a')).toHaveLength(2);
    expect(answers.filter((answer) => answer === 'b')).toHaveLength(4);
  });

  it('loses no byte, either way, when one side has finished before the other', async () => {
    // Answers with a digest only after the other side has ended: the connection must stay half open.
    const echo = await backend((socket) => {
      const hash = createHash('sha256');
      socket.on('data', (chunk) => hash.update(chunk));
      socket.on('end', () => { socket.end(Buffer.concat([hash.digest(), Buffer.alloc(3_000_000, 7)])); });
    });
    await listener(20_002, [echo]);
    const data = randomBytes(5_000_000);
    const answer = await talk(20_002, data);
    expect(answer.subarray(0, 32).equals(createHash('sha256').update(data).digest())).toBe(true);
    expect(answer.length).toBe(3_000_032);
  });

  it('keeps a client with its backend under session affinity', async () => {
    const [a, b] = [await backend(say('a')), await backend(say('b'))];
    await listener(20_003, [a, b], 10_000);
    const first = (await talk(20_003)).toString();
    for (let index = 0; index < 4; index += 1) expect((await talk(20_003)).toString()).toBe(first);
  });

  it('resets a connection when there is no backend, and lets open ones end when backends go', async () => {
    const slow = await backend((socket) => { socket.write('begin '); setTimeout(() => socket.end('end'), 100); });
    const made = await listener(20_004, [slow]);
    const open = talk(20_004);
    await new Promise((resolve) => setTimeout(resolve, 40));
    made.setTarget({ backends: [], affinityMilliseconds: 0 });
    await expect(talk(20_004)).rejects.toThrow('ECONNRESET');
    expect((await open).toString()).toBe('begin end');
  });
});
