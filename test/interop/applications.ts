// Applications behind the proxies: HTTP servers that say in JSON what reached them, and a TCP server that greets and echoes.
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';

/** What an echo server says. */
export interface Echo {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Something to be closed. */
export interface Closable { close(): Promise<void> }

/** An HTTP server at an address; `/status/N` answers with that status, `/slow/MS` after so long, `/flaky/KEY` fails at first. */
export function echoServer(name: string, address: string, port: number): Promise<Closable> {
  const failed = new Set<string>();
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
      const url = incoming.url ?? '';
      const [, kind, value = ''] = /^\/(status|slow|flaky)\/([^?/]+)/.exec(url) ?? [];
      const status = kind === 'status' ? Number(value) : kind === 'flaky' && !failed.has(value) ? 503 : 200;
      failed.add(value);
      setTimeout(() => {
        response.writeHead(status, { 'content-type': 'application/json', 'x-app': name, 'x-upstream': 'yes' });
        response.end(JSON.stringify({ name, method: incoming.method, url, headers: incoming.headers, body }));
      }, kind === 'slow' ? Number(value) : 0);
    });
  });
  return listen(server, address, port);
}

/** A TCP server that speaks first, then echoes. */
export function tcpServer(name: string, address: string, port: number): Promise<Closable> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.write(`hello from ${name}\n`);
    socket.on('data', (data) => socket.write(`echo ${data.toString()}`));
  });
  const closable = listen(server, address, port);
  return closable.then((inner) => ({ close: async () => {
    for (const socket of sockets) socket.destroy();
    await inner.close();
  } }));
}

function listen(server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>, address: string, port: number): Promise<Closable> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve({ close: () => new Promise((closed) => {
      server.close(() => closed());
      if ('closeAllConnections' in server) server.closeAllConnections();
    }) }));
  });
}

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to ask. */
export interface Question {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a connection of its own to `address:port`. */
export function ask(address: string, port: number, { method = 'GET', path, headers = {}, body }: Question): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: address, port, method, path, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) }, agent: false, timeout: 15_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })).on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time'))).on('error', reject);
    sent.end(body);
  });
}
