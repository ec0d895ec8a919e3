// Runs a data plane and real servers for component tests, all on one loopback address, and ends what it started.
import { createServer, request, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import type { RuntimeConfig } from '../../config/runtime-config.ts';
import { createDataPlane, type DataPlane, type DataPlaneOptions } from '../index.ts';

export interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

export interface AskOptions { readonly method?: string; readonly headers?: Record<string, string | string[]>; readonly body?: string | Buffer }

export class Harness {
  readonly address: string;
  readonly #closers: (() => void)[] = [];

  constructor(address: string) {
    this.address = address;
  }

  /** Starts an HTTP server; returns its port. */
  async httpServer(handler: RequestListener): Promise<number> {
    const server: Server = createServer({ keepAliveTimeout: 60_000 }, handler);
    return this.#listen(server);
  }

  /** Starts a TCP server; returns its port. */
  async tcpServer(handler: (socket: Socket) => void): Promise<number> {
    return this.#listen(createTcpServer({ allowHalfOpen: true }, (socket) => {
      this.#closers.push(() => socket.destroy());
      socket.on('error', () => undefined);
      handler(socket);
    }));
  }

  async #listen(server: Server | TcpServer): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, this.address, resolve));
    this.#closers.push(() => {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    });
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Starts a data plane with `config`, all sockets bound. */
  async dataPlane(config: RuntimeConfig, options: DataPlaneOptions = {}): Promise<DataPlane> {
    const plane = createDataPlane(options);
    this.#closers.push(() => plane.close());
    const { rejected } = plane.apply(config);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
    await plane.settled();
    return plane;
  }

  portOf(plane: DataPlane, listenerName: string): number {
    return plane.listeners().find(({ name }) => name === listenerName)?.port ?? 0;
  }

  /** One request on a connection of its own. */
  ask(port: number, path = '/', { method = 'GET', headers = {}, body }: AskOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: this.address, port, path, method, headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }));
        response.on('error', reject);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Writes bytes as they are; resolves with all that came back when the connection ended or `quietMilliseconds` passed. */
  raw(port: number, bytes: string, quietMilliseconds = 300): Promise<{ readonly text: string; readonly closed: boolean }> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.address, port });
      let text = '';
      let timer = setTimeout(() => finish(false), quietMilliseconds);
      const finish = (closed: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ text, closed });
      };
      socket.on('data', (data) => {
        text += data.toString('latin1');
        clearTimeout(timer);
        timer = setTimeout(() => finish(false), quietMilliseconds);
      });
      socket.on('end', () => finish(true));
      socket.on('error', () => finish(true));
      socket.write(bytes, 'latin1');
    });
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) close();
    this.#closers.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
