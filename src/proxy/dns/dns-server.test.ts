// The DNS server over real sockets, with name servers of its own that answer, keep silent, forge and cut off; asked by Node's resolver and by hand.
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket as TcpSocket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { StatsStore } from '../stream/stats-store.ts';
import { dnsMetricLines } from './dns-metrics.ts';
import { DnsServer } from './dns-server.ts';
import { encodeAnswer, encodeName, parseQuery } from './message.ts';
import { parseResolverConfiguration } from './resolver-configuration.ts';
import { frame, MessageFramer } from './tcp-framing.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A name server that answers every address query with `address`, as `behave` likes. */
async function nameServer(host: string, address: string, behave: (answer: Buffer, query: Buffer, send: (message: Buffer) => void) => void = (answer, _query, send) => send(answer)): Promise<{ address: string; port: number; ids: number[]; ports: number[] }> {
  const seen = { address: host, port: 0, ids: [] as number[], ports: [] as number[] };
  const answerTo = (message: Buffer, limit: number): Buffer => {
    const outcome = parseQuery(message);
    if (outcome.kind !== 'query') throw new Error('no query');
    seen.ids.push(message.readUInt16BE(0));
    return encodeAnswer(message, outcome.query, { code: 0, alias: null, addresses: Array.from({ length: outcome.query.name.startsWith('many') ? 100 : 1 }, () => Buffer.from(address.split('.').map(Number))), timeToLiveSeconds: 5 }, limit);
  };
  const datagrams = createSocket('udp4');
  datagrams.on('message', (message, client) => {
    seen.ports.push(client.port);
    behave(answerTo(message, 512), message, (answer) => datagrams.send(answer, client.port, client.address));
  });
  await new Promise<void>((done) => datagrams.bind(0, host, done));
  seen.port = datagrams.address().port;
  const streams = createServer((socket) => {
    const framer = new MessageFramer((message) => void socket.write(frame(answerTo(message, 65_535))));
    socket.on('data', (data: Buffer) => framer.push(data));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => streams.listen(seen.port, host, done));
  open.push(() => closeBoth(datagrams, streams));
  return seen;
}

/** A name server over TCP that takes its time; `onOpen` hears 1 for each query that came and -1 for each that is answered. */
async function slowStreams(host: string, address: string, onOpen: (change: number) => void): Promise<{ address: string; port: number }> {
  const streams = createServer((socket) => {
    const framer = new MessageFramer((message) => {
      const outcome = parseQuery(message);
      if (outcome.kind !== 'query') throw new Error('no query');
      const { query } = outcome;
      onOpen(1);
      setTimeout(() => {
        onOpen(-1);
        socket.write(frame(encodeAnswer(message, query, { code: 0, alias: null, addresses: [Buffer.from(address.split('.').map(Number))], timeToLiveSeconds: 5 }, 65_535)));
      }, 5);
    });
    socket.on('data', (data: Buffer) => framer.push(data));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => streams.listen(0, host, done));
  open.push(() => streams.close());
  return { address: host, port: (streams.address() as AddressInfo).port };
}

function closeBoth(datagrams: Socket, streams: Server): void {
  datagrams.close();
  streams.close();
}

async function start(resolvers: readonly { address: string; port: number }[], host = '127.91.1.1', tryMilliseconds = 200): Promise<{ server: DnsServer; ask: Resolver; stats: StatsStore }> {
  const stats = new StatsStore();
  const server = new DnsServer({ addresses: [host], port: 0, resolvers, asker: { domain: 'shop.svc.cluster.local', namespace: 'shop', search: ['shop.svc.cluster.local'] }, stats, tryMilliseconds });
  await server.start();
  open.push(() => server.stop());
  server.useTable({ digest: '1', hosts: {
    'cart.shop.svc.cluster.local': { addresses: ['10.96.1.1'], shortName: 'cart', namespace: 'shop' },
    'both.shop.svc.cluster.local': { addresses: ['10.96.1.2', 'fd00::2'], shortName: 'both', namespace: 'shop' },
    'pods.shop.svc.cluster.local': { addresses: Array.from({ length: 120 }, (_unused, index) => `10.1.2.${index}`), shortName: 'pods', namespace: 'shop' },
  } });
  const ask = new Resolver({ timeout: 2000, tries: 1 });
  ask.setServers([`${host}:${server.port}`]);
  return { server, ask, stats };
}

/** Exchanges bytes with the server over UDP. */
function exchange(server: DnsServer, message: Buffer, waitMilliseconds = 500): Promise<Buffer | null> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    const finish = (answer: Buffer | null): void => {
      clearTimeout(timer);
      socket.close();
      done(answer);
    };
    const timer = setTimeout(() => finish(null), waitMilliseconds);
    socket.on('message', finish);
    socket.send(message, server.port, '127.91.1.1');
  });
}

const rawQuery = (name: string, id = 77, type = 1): Buffer => {
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, encodeName(name) ?? Buffer.alloc(0), Buffer.from([0, type, 0, 1])]);
};

describe('the DNS server', () => {
  it('answers the mesh\'s names itself, and passes on all others', async () => {
    const upstream = await nameServer('127.91.2.1', '192.0.2.7');
    const { ask, stats } = await start([upstream]);
    expect(await ask.resolve4('cart.shop.svc.cluster.local')).toEqual(['10.96.1.1']);
    expect(await ask.resolve6('both.shop')).toEqual(['fd00::2']);
    await expect(ask.resolve6('cart.shop')).rejects.toMatchObject({ code: 'ENODATA' });
    expect(upstream.ids).toEqual([]);
    expect(await ask.resolve4('www.example.com')).toEqual(['192.0.2.7']);
    expect(dnsMetricLines(stats)).toEqual(expect.arrayContaining(['istio_agent_dns_requests_total 4', 'istio_agent_dns_mesh_answers_total 3', 'istio_agent_dns_upstream_requests_total 1', 'istio_agent_dns_upstream_failures_total 0']));
  });

  it('cuts a long answer for UDP and gives the whole of it over TCP, both of its own and of others', async () => {
    const { server, ask } = await start([await nameServer('127.91.2.2', '192.0.2.8')]);
    for (const name of ['pods.shop.', 'many.example.com.']) {
      const short = await exchange(server, rawQuery(name));
      expect(short && [short.length <= 512, short.readUInt8(2) & 2]).toEqual([true, 2]);
      expect((await ask.resolve4(name)).length, name).toBeGreaterThanOrEqual(100);
    }
  });

  it('asks the next server when one keeps silent, forges, or is not there; and says SERVFAIL when none answers', async () => {
    const forger = await nameServer('127.91.2.3', '6.6.6.6', (answer, _query, send) => {
      const otherId = Buffer.from(answer);
      otherId.writeUInt16BE((answer.readUInt16BE(0) + 1) & 65_535, 0);
      send(otherId);
      const otherName = Buffer.from(answer);
      otherName[13] = 120;
      send(otherName);
      send(answer.subarray(0, -2));
    });
    const good = await nameServer('127.91.2.4', '192.0.2.9');
    const { ask } = await start([{ address: '127.91.2.5', port: 9 }, forger, good]);
    expect(await ask.resolve4('www.example.com')).toEqual(['192.0.2.9']);
    expect(forger.ids).toHaveLength(1);
    const { ask: lost } = await start([forger], '127.91.1.2');
    await expect(lost.resolve4('www.example.com')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  it('asks under ids and from ports that a forger cannot foresee, many at a time, and gives each client its own answer', async () => {
    const upstream = await nameServer('127.91.2.6', '192.0.2.10', (answer, _query, send) => void setTimeout(() => send(answer), 20));
    const { server } = await start([upstream]);
    const answers = await Promise.all(Array.from({ length: 60 }, (_unused, index) => exchange(server, rawQuery(`host-${index}.example.com.`, index), 1500)));
    answers.forEach((answer, index) => {
      expect(answer?.readUInt16BE(0)).toBe(index);
      expect(answer?.includes(`host-${index}`)).toBe(true);
    });
    expect(new Set(upstream.ids).size).toBeGreaterThan(50);
    expect(new Set(upstream.ports).size).toBeGreaterThan(50);
    expect(upstream.ids).not.toEqual([...upstream.ids].sort((left, right) => left - right));
  });

  it('survives what is no DNS, says what is wrong with half a query, and keeps silent about responses', async () => {
    const { server, ask } = await start([await nameServer('127.91.2.7', '192.0.2.11')]);
    expect(await exchange(server, Buffer.from('GET / HTTP/1.1\r\n\r\n'), 200)).toSatisfy((answer: Buffer | null) => answer === null || (answer[3] ?? 0) % 16 !== 0);
    expect(await exchange(server, Buffer.alloc(3), 150)).toBeNull();
    expect(await exchange(server, Buffer.concat([Buffer.from([0, 1, 0x80, 0]), Buffer.alloc(8)]), 150)).toBeNull();
    expect((await exchange(server, rawQuery('cart.shop.').subarray(0, -1)))?.readUInt8(3)).toBe(0x81);
    expect(await ask.resolve4('cart')).toEqual(['10.96.1.1']);
  });

  it('takes several queries on one TCP connection, in pieces, and closes one that sends something else', async () => {
    const { server } = await start([await nameServer('127.91.2.8', '192.0.2.12')]);
    const dial = (): TcpSocket => connect({ host: '127.91.1.1', port: server.port });
    const socket = dial();
    const ids: number[] = [];
    const done = new Promise<void>((resolve) => {
      const framer = new MessageFramer((answer) => {
        ids.push(answer.readUInt16BE(0));
        if (ids.length === 3) resolve();
      });
      socket.on('data', (data: Buffer) => framer.push(data));
    });
    for (const byte of Buffer.concat([frame(rawQuery('cart.shop.', 1)), frame(rawQuery('www.example.com.', 2)), frame(rawQuery('both.shop.', 3))])) socket.write(Buffer.from([byte]));
    await done;
    socket.destroy();
    expect(ids.sort()).toEqual([1, 2, 3]);
    const stranger = dial();
    stranger.on('error', () => undefined);
    const closed = new Promise((resolve) => stranger.once('close', resolve));
    stranger.write(frame(Buffer.alloc(4)));
    await closed;
  });

  it('holds a bounded number of queries that come in one piece, and answers all of them, even for a client that sends no more', async () => {
    let under = 0;
    let most = 0;
    const upstream = await slowStreams('127.91.2.9', '192.0.2.13', (change) => {
      under += change;
      most = Math.max(most, under);
    });
    // No query is asked twice, however slow the machine is: the second try would be counted too.
    const { server } = await start([upstream], '127.91.1.1', 15_000);
    // Every third is the mesh's own, which is answered at once.
    const queries = Buffer.concat(Array.from({ length: 1000 }, (_unused, id) => frame(rawQuery(id % 3 === 0 ? 'cart.shop.' : `host-${id}.example.com.`, id))));
    const socket = connect({ host: '127.91.1.1', port: server.port, allowHalfOpen: true });
    const ids = new Set<number>();
    const codes = new Set<number>();
    const framer = new MessageFramer((answer) => {
      ids.add(answer.readUInt16BE(0));
      codes.add(answer.readUInt8(3) & 15);
    });
    socket.on('data', (data: Buffer) => framer.push(data));
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.end(queries);
    await ended;
    expect([ids.size, ...codes]).toEqual([1000, 0]);
    expect(most).toBeLessThanOrEqual(32);
    expect(most).toBeGreaterThan(16);
  }, 20_000);
});

describe('parseResolverConfiguration', () => {
  it('takes three servers and the last search list, without comments and scoped nonsense', () => {
    expect(parseResolverConfiguration('# x\nnameserver 10.96.0.10 ; kube-dns\nnameserver fd00::a\nnameserver dns.example\nnameserver 1.1.1.1\nnameserver 8.8.8.8\ndomain old.example\nsearch shop.svc.cluster.local. SVC.cluster.local\noptions ndots:5\n'))
      .toEqual({ servers: ['10.96.0.10', 'fd00::a', '1.1.1.1'], search: ['shop.svc.cluster.local', 'svc.cluster.local'] });
  });
});
