// A server for the tests of this folder: `echo-server.ts NAME KIND ADDRESS PORT [ADDRESS PORT ...]`. Kind http tells its name and the client's address, and has metrics of its own; kind first speaks first, as
// databases do, and then repeats what it is told.
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

const [, , name = '', kind = '', ...binds] = process.argv;
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

function server(): Server {
  if (kind === 'http') return createHttpServer((request, response) => response.end(request.url === '/metrics' ? '# TYPE app_answers counter\napp_answers 7\n' : JSON.stringify({ name, client: plain(request.socket.remoteAddress), path: request.url })));
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(`greetings from ${name} to ${plain(socket.remoteAddress)}\n`);
    socket.pipe(socket);
  });
}

for (let index = 0; index < binds.length; index += 2) {
  await new Promise<void>((done, failed) => server().once('error', failed).listen({ host: binds[index] ?? '', port: Number(binds[index + 1]), ipv6Only: true }, done));
}
process.stdout.write(`${name} listens\n`);
