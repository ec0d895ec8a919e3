// A process inside a network namespace: `listen <tcp|transparent|udp>:<port>...` answers each client with its own port, the client's address and the address asked for;
// `ask <uid> <tcp|udp> <host> <port>` prints the answer it gets.
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

const [command, ...args] = process.argv.slice(2);
if (command === 'listen') {
  // As the proxy's user, by which the rules know its sockets; a transparent listener needs a capability, so it is made as root.
  if (!args.some((item) => item.startsWith('transparent:'))) {
    process.setgid?.(1337);
    process.setuid?.(1337);
  }
  await Promise.all(args.map((item) => {
    const [kind, port] = item.split(':');
    return kind === 'udp' ? listenUdp(Number(port)) : listenTcp(Number(port), kind === 'transparent');
  }));
  process.stdout.write('ready\n');
} else {
  const [uid, kind, host, port] = args;
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
  process.stdout.write(`${await (kind === 'udp' ? askUdp(host, Number(port)) : askTcp(host, Number(port)))}\n`);
  process.exit(0);
}

function listenTcp(port, transparent) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`${port} from ${socket.remoteAddress?.replace('::ffff:', '')} to ${socket.localAddress?.replace('::ffff:', '')}:${socket.localPort}`);
    });
    server.once('error', reject);
    if (transparent) server.listen({ fd: transparentSocket(port) }, resolve);
    else server.listen(port, '::', resolve);
  });
}

function transparentSocket(port) {
  const koffi = createRequire(import.meta.url)('koffi');
  const library = koffi.load('libc.so.6');
  const socket = library.func('int socket(int, int, int)');
  const setsockopt = library.func('int setsockopt(int, int, int, void *, uint32_t)');
  const bind = library.func('int bind(int, void *, uint32_t)');
  const fd = socket(10, 1, 0); // AF_INET6, SOCK_STREAM: takes IPv4 too
  const on = Buffer.from([1, 0, 0, 0]);
  if (setsockopt(fd, 41, 75, on, 4) !== 0) throw new Error('IPV6_TRANSPARENT was refused');
  if (setsockopt(fd, 0, 19, on, 4) !== 0) throw new Error('IP_TRANSPARENT was refused');
  const address = Buffer.alloc(28);
  address.writeUInt16LE(10, 0);
  address.writeUInt16BE(port, 2);
  if (bind(fd, address, 28) !== 0) throw new Error('bind was refused');
  return fd;
}

// On loopback for the redirected: an answer from a wildcard socket to an address of this host would have that address as its source, which no flow expects.
async function listenUdp(port) {
  const hosts = port === 15053 ? ['127.0.0.1', '::1'] : ['::'];
  for (const host of hosts) {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4', (_message, peer) => socket.send(String(port), peer.port, peer.address));
    await new Promise((resolve, reject) => socket.once('error', reject).bind(port, host, resolve));
  }
}

function askTcp(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => { answer += text; });
    socket.once('end', () => resolve(answer)).once('timeout', () => resolve('ETIMEDOUT')).once('error', (error) => resolve(error.code));
  });
}

function askUdp(host, port) {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4', (message) => resolve(message.toString()));
    socket.once('error', (error) => resolve(error.code));
    socket.connect(port, host, () => socket.send('query'));
    setTimeout(() => resolve('ETIMEDOUT'), 3000);
  });
}
