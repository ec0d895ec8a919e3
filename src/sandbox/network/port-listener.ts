// One TCP port of the service proxy: takes connections and joins each to a backend. Connections live on when the
// backend leaves the service; a backend that refuses is passed over.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Backend } from './service-backends.ts';

const CONNECT_TIMEOUT_MILLISECONDS = 5000;
const AFFINITY_CLIENTS = 4096;

/** Where a listener sends connections to; replaced as a whole when the service changes. */
export interface Target {
  readonly backends: readonly Backend[];
  /** For how long a client stays with its backend; 0 without session affinity. */
  readonly affinityMilliseconds: number;
  /** The address from which the backends are reached for a client with this address. */
  readonly sourceFor?: (client: string) => string | undefined;
}

/** A listening port with its backends. */
export class PortListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #affinity = new Map<string, { backend: Backend; until: number }>();
  #target: Target = { backends: [], affinityMilliseconds: 0 };
  #next = 0;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (downstream) => this.#accept(downstream));
  }

  /** Starts listening; fails as `listen` does. */
  listen(address: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: address, port, backlog: 1024 }, () => {
        this.#server.off('error', reject);
        // A failed accept (no file descriptors left) costs that connection, not the service.
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  setTarget(target: Target): void {
    this.#target = target;
    if (this.#next >= target.backends.length) this.#next = 0;
  }

  /** Stops listening. Open connections are left to end, or are cut when `cut`. */
  close(cut: boolean): void {
    this.#server.close();
    if (cut) for (const socket of this.#sockets) socket.destroy();
  }

  #accept(downstream: Socket): void {
    this.#track(downstream);
    downstream.on('error', () => downstream.destroy());
    const order = this.#order(downstream.remoteAddress ?? '');
    this.#tryNext(downstream, order, 0);
  }

  /** The backends in the order to try them in: the one whose turn it is, then the others. */
  #order(client: string): Backend[] {
    const { backends, affinityMilliseconds } = this.#target;
    if (backends.length === 0) return [];
    const start = this.#next;
    this.#next = (this.#next + 1) % backends.length;
    const order = [...backends.slice(start), ...backends.slice(0, start)];
    if (affinityMilliseconds === 0) return order;
    const kept = this.#affinity.get(client);
    const keeper = kept && kept.until > Date.now() ? backends.find((backend) => backend.address === kept.backend.address && backend.port === kept.backend.port) : undefined;
    const first = keeper ?? order[0];
    if (!first) return order;
    this.#affinity.delete(client);
    this.#affinity.set(client, { backend: first, until: Date.now() + affinityMilliseconds });
    if (this.#affinity.size > AFFINITY_CLIENTS) this.#affinity.delete(this.#affinity.keys().next().value ?? '');
    return [first, ...order.filter((backend) => backend !== first)];
  }

  #tryNext(downstream: Socket, order: readonly Backend[], index: number): void {
    const backend = order[index];
    if (downstream.destroyed) return;
    if (!backend) {
      // What a client of a real node sees of a service without endpoints: a refusal, here as a reset.
      downstream.resetAndDestroy();
      return;
    }
    const localAddress = this.#target.sourceFor?.(downstream.remoteAddress ?? '');
    const upstream = connect({ host: backend.address, port: backend.port, allowHalfOpen: true, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
    this.#track(upstream);
    const timer = setTimeout(() => upstream.destroy(new Error('connect timeout')), CONNECT_TIMEOUT_MILLISECONDS);
    const failed = (): void => {
      clearTimeout(timer);
      downstream.off('close', abandon);
      this.#tryNext(downstream, order, index + 1);
    };
    const abandon = (): void => {
      clearTimeout(timer);
      upstream.off('error', failed);
      upstream.on('error', () => undefined);
      upstream.destroy();
    };
    downstream.once('close', abandon);
    upstream.once('error', failed);
    upstream.once('connect', () => {
      clearTimeout(timer);
      upstream.off('error', failed);
      downstream.off('close', abandon);
      join(downstream, upstream);
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Copies both ways until both ends have ended; a reset of one side is passed on as a reset. */
function join(a: Socket, b: Socket): void {
  a.on('error', () => b.resetAndDestroy());
  b.on('error', () => { b.destroy(); a.resetAndDestroy(); });
  // `close` without an end of stream before it means that the socket was destroyed: nothing more will come or go.
  a.once('close', () => { if (!b.destroyed && !a.readableEnded) b.destroy(); });
  b.once('close', () => { if (!a.destroyed && !b.readableEnded) a.destroy(); });
  a.pipe(b);
  b.pipe(a);
}
