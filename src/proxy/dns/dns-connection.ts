// One TCP connection of a DNS client: queries may follow one another before they are answered (RFC 7766), in bounded numbers.
import type { Socket } from 'node:net';
import type { QueryHandler } from './query-handler.ts';
import { frame, MessageFramer } from './tcp-framing.ts';

const IDLE_MILLISECONDS = 10_000;
/** Queries under way before the client is read from no more. */
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
    socket.on('drain', () => this.#readOrWait());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => {
      this.#ended = true;
      this.#readOrWait();
    });
  }

  #onMessage(message: Buffer): void {
    this.#open += 1;
    const understood = this.#handler.handle(message, true, (answer) => {
      this.#open -= 1;
      if (this.#socket.writable) this.#socket.write(frame(answer));
      this.#readOrWait();
    });
    if (understood) this.#readOrWait();
    else this.#socket.destroy();
  }

  #readOrWait(): void {
    const socket = this.#socket;
    if (this.#ended && this.#open === 0) socket.end();
    else if (this.#open >= MAXIMUM_OPEN || socket.writableLength > MAXIMUM_UNREAD) socket.pause();
    else socket.resume();
  }
}
