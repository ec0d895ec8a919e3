// The HTTPS front of the API server: connections, authentication, authorization, routing and errors.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describeError } from '../../shared/lib/index.ts';
import type { KeyPairPem, RbacAuthorizer } from '../auth/index.ts';
import { ANONYMOUS, type User } from '../auth/index.ts';
import type { Authenticator } from './authentication.ts';
import { authorize } from './authorization.ts';
import { Exchange } from './exchange.ts';
import { ApiStatusError } from './internal-client.ts';
import type { PodStreamHandler } from './pod-streams.ts';
import { isProxied, type ProxyHandler } from './proxying.ts';
import { parseRequest } from './request-info.ts';
import type { Registry } from './registry.ts';
import type { ResourceHandler } from './resource-handler.ts';
import type { ServerMetrics } from './server-metrics.ts';
import { internalError, statusOf } from './status.ts';
import type { SystemHandler } from './system-handler.ts';

/** What the server is built from. */
export interface HttpServerOptions {
  readonly address: string;
  readonly port: number;
  readonly serving: KeyPairPem;
  readonly authorityPem: string;
  readonly authenticator: Authenticator;
  readonly rbac: RbacAuthorizer;
  readonly resources: ResourceHandler;
  readonly system: SystemHandler;
  readonly podStreams: PodStreamHandler;
  readonly proxies: ProxyHandler;
  readonly registry: Registry;
  readonly metrics: ServerMetrics;
  readonly report: (error: unknown) => void;
}

/** Listens and answers. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined = undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** Starts to listen; returns the port. */
  async start(port = this.#options.port): Promise<number> {
    const { address, serving, authorityPem, report } = this.#options;
    const server = createServer({ cert: serving.certificate, key: serving.key, ca: authorityPem, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 120_000, requestTimeout: 0, ALPNProtocols: ['http/1.1'] });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => { this.#serve(request, response).catch(report); });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => { this.#upgrade(request, socket, head).catch(report); });
    // Known from the first byte on: one that never finishes its handshake must not keep the server from stopping.
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('secureConnection', (socket) => { socket.on('error', () => { socket.destroy(); }); });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => { resolve(); });
    });
    server.on('error', report);
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Closes the listener and every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => { server.close(() => { resolve(); }); });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const info = parseRequest(request.method ?? 'GET', new URL(request.url ?? '/', 'https://server'));
    let exchange = new Exchange(request, response, info, ANONYMOUS);
    this.#measure(exchange);
    try {
      exchange = new Exchange(request, response, info, this.#admit(request, exchange));
      if (isProxied(info.resource)) await this.#options.proxies.handle(exchange, info.resource);
      else if (info.resource) await this.#options.resources.handle(exchange, info.resource);
      else await this.#options.system.handle(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #measure({ info, response }: Exchange): void {
    const { metrics, registry } = this.#options;
    const begun = performance.now();
    response.on('close', () => {
      const isKnown = info.resource !== undefined && registry.find(info.resource.group, info.resource.plural)?.versions.some(({ name }) => name === info.resource?.version) === true;
      metrics.count(info, isKnown, response.statusCode, (performance.now() - begun) / 1000);
    });
  }

  #admit(request: IncomingMessage, exchange: Exchange): User {
    const user = this.#options.authenticator.authenticate(request);
    authorize(this.#options.rbac, user, exchange.info);
    return user;
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (error instanceof ApiStatusError) {
      exchange.fail(error);
      return;
    }
    if (exchange.response.destroyed) return;
    this.#options.report(error);
    exchange.fail(internalError(describeError(error)));
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => { socket.destroy(); });
    try {
      const info = parseRequest(request.method ?? 'GET', new URL(request.url ?? '/', 'https://server'));
      const user = this.#options.authenticator.authenticate(request);
      authorize(this.#options.rbac, user, info);
      if (isProxied(info.resource)) await this.#options.proxies.upgrade(request, socket, head, info);
      else await this.#options.podStreams.upgrade(request, socket, head, info);
    } catch (error) {
      const status = error instanceof ApiStatusError ? error : internalError(describeError(error));
      const body = JSON.stringify(statusOf(status));
      socket.end(`HTTP/1.1 ${String(status.code)} ${status.reason}\r\ncontent-type: application/json\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\nconnection: close\r\n\r\n${body}`);
    }
  }
}
