// A name server of the world for dns.test.ts: answers every A query with 192.0.2.1 and every AAAA query with 2001:db8::1, over UDP and TCP at the addresses of the command line.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { encodeAnswer, parseQuery } from '../../../src/proxy/dns/message.ts';
import { frame, MessageFramer } from '../../../src/proxy/dns/tcp-framing.ts';

const FOUR = Buffer.from([192, 0, 2, 1]);
const SIX = Buffer.from('20010db8000000000000000000000001', 'hex');

function answer(message: Buffer): Buffer {
  const outcome = parseQuery(message);
  if (outcome.kind !== 'query') throw new Error('no query');
  return encodeAnswer(message, outcome.query, { code: 0, alias: null, addresses: [outcome.query.type === 28 ? SIX : FOUR], timeToLiveSeconds: 5 }, 4096);
}

for (const address of process.argv.slice(2)) {
  const datagrams = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  datagrams.on('message', (message, client) => datagrams.send(answer(message), client.port, client.address));
  await new Promise<void>((done) => datagrams.bind(53, address, done));
  await new Promise<void>((done) => createServer((socket) => {
    const framer = new MessageFramer((message) => void socket.write(frame(answer(message))));
    socket.on('data', (data: Buffer) => framer.push(data));
  }).listen(53, address, done));
}
process.stdout.write('listening\n');
