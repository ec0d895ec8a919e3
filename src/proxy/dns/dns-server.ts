// The sockets of the DNS server: UDP and TCP on the loopback addresses, where the packet filter brings the pod's queries. Made by the proxy's process when DNS is captured.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { createLogger } from '../../shared/observability/index.ts';
import type { NameTableConfig } from '../config/index.ts';
import type { StatsStore } from '../stream/stats-store.ts';
import { DnsConnection } from './dns-connection.ts';
import { Forwarder, type Resolver } from './forwarder.ts';
import { NameLookup, type AskerContext } from './name-lookup.ts';
import { QueryHandler } from './query-handler.ts';

/** What the server is made with. */
export interface DnsServerOptions {
  /** Addresses to listen on; those of a family that the machine lacks are left out. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly resolvers: readonly Resolver[];
  readonly asker: AskerContext;
  readonly stats: StatsStore;
  readonly tryMilliseconds?: number;
}

const MAXIMUM_CONNECTIONS = 256;
/** Codes of a family that the machine does not have. */
const NO_SUCH_FAMILY = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** A DNS server from `start` to `stop`. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #handler: QueryHandler;
  readonly #forwarder: Forwarder;
  readonly #log = createLogger('dns');
  readonly #datagrams: DatagramSocket[] = [];
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Socket>();
  #table: NameTableConfig | undefined;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    this.#forwarder = new Forwarder({ resolvers: options.resolvers, ...(options.tryMilliseconds === undefined ? {} : { tryMilliseconds: options.tryMilliseconds }) });
    this.#handler = new QueryHandler(this.#forwarder, options.stats);
  }

  /** The table in force; undefined until one has come. */
  get table(): NameTableConfig | undefined {
    return this.#table;
  }

  /** The port in use. */
  get port(): number {
    return this.#datagrams[0]?.address().port ?? 0;
  }

  /** Answers for the hosts of `table` from now on. */
  useTable(table: NameTableConfig): void {
    if (this.#table?.digest === table.digest) return;
    this.#table = table;
    const names = new NameLookup(table, this.#options.asker);
    this.#handler.useNames(names);
    this.#log.debug({ names: names.size }, 'name table is in force');
  }

  /** Binds; rejects when no address can be had. */
  async start(): Promise<void> {
    let last: unknown;
    for (const address of this.#options.addresses) {
      try {
        const port = await this.#bindDatagrams(address);
        await this.#bindStreams(address, port);
      } catch (error) {
        if (!NO_SUCH_FAMILY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        last = error;
      }
    }
    if (this.#datagrams.length === 0) throw new Error('the DNS server has no address to listen on', { cause: last });
  }

  async stop(): Promise<void> {
    this.#forwarder.close();
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([
      ...this.#datagrams.map((socket) => new Promise<void>((done) => socket.close(done))),
      ...this.#servers.map((server) => new Promise<void>((done) => server.close(() => done()))),
    ]);
  }

  #bindDatagrams(address: string): Promise<number> {
    const socket = createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
    return new Promise((done, failed) => {
      socket.once('error', failed);
      socket.bind({ port: this.port || this.#options.port, address, exclusive: true }, () => {
        socket.off('error', failed);
        socket.on('error', (error) => this.#log.warn({ error: error.message }, 'an answer was not sent'));
        socket.on('message', (message, client) => void this.#handler.handle(message, false, (answer) => {
          // A client that is gone is nobody's failure; a socket that was closed meanwhile sends nothing.
          if (this.#datagrams.includes(socket)) socket.send(answer, client.port, client.address, () => undefined);
        }));
        this.#datagrams.push(socket);
        done(socket.address().port);
      });
    });
  }

  #bindStreams(address: string, port: number): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#serve(socket));
    server.maxConnections = MAXIMUM_CONNECTIONS;
    return new Promise((done, failed) => {
      server.once('error', failed);
      server.listen({ host: address, port, ipv6Only: true, exclusive: true }, () => {
        this.#servers.push(server);
        done();
      });
    });
  }

  #serve(socket: Socket): void {
    const connection = new DnsConnection(socket, this.#handler);
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    connection.start();
  }
}
