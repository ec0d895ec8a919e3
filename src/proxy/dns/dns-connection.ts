// One TCP connection of a DNS client: queries may follow one another before they are answered (RFC 7766), in bounded numbers.
import type { Socket } from 'node:net';
import type { QueryHandler } from './query-handler.ts';
import { frame, MessageFramer } from './tcp-framing.ts';

const IDLE_MILLISECONDS = 10_000;
/** Queries under way before the client's next one has to wait. */
const MAXIMUM_OPEN = 32;
/** Bytes of answers that the client may leave unread before the same. */
const MAXIMUM_UNREAD = 256 * 1024;

/** Serves a connection. */
export class DnsConnection {
  readonly #socket: Socket;
  readonly #handler: QueryHandler;
  readonly #framer = new MessageFramer((message) => this.#onMessage(message));
  #open = 0;
  #ended = false;

  constructor(socket: Socket, handler: QueryHandler) {
    this.#socket = socket;
    this.#handler = handler;
  }

  start(): void {
    const socket = this.#socket;
    socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
    socket.on('data', (data: Buffer) => this.#framer.push(data));
    socket.on('drain', () => this.#goOnOrWait());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => {
      this.#ended = true;
      this.#goOnOrWait();
    });
  }

  #onMessage(message: Buffer): void {
    this.#open += 1;
    const understood = this.#handler.handle(message, true, (answer) => {
      this.#open -= 1;
      if (this.#socket.writable) this.#socket.write(frame(answer));
      this.#goOnOrWait();
    });
    if (!understood) this.#socket.destroy();
    this.#goOnOrWait();
  }

  /** One chunk may hold many queries: reading from the socket no more is not enough, so the queries that have come already wait too. */
  #goOnOrWait(): void {
    const socket = this.#socket;
    if (socket.destroyed || this.#open >= MAXIMUM_OPEN || socket.writableLength > MAXIMUM_UNREAD) {
      this.#framer.pause();
      socket.pause();
      return;
    }
    socket.resume();
    this.#framer.resume();
    if (this.#ended && this.#open === 0 && !this.#framer.busy) socket.end();
  }
}
