// Passes queries on to the machine's name servers and brings their replies back: over UDP with a socket, and so a port, and a random id of its own for each try; over TCP where the
// client came by TCP. A reply is believed only when it comes from where the query went and repeats its question.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { answersQuestion } from './message.ts';
import { MessageFramer, frame } from './tcp-framing.ts';

/** A name server. */
export interface Resolver {
  readonly address: string;
  readonly port: number;
}

/** How queries are passed on. */
export interface ForwarderOptions {
  /** Tried in order. */
  readonly resolvers: readonly Resolver[];
  /** Time for one server; then the next is asked. */
  readonly tryMilliseconds?: number;
  /** Queries under way at a time; more are refused, so that a flood does not take all descriptors. */
  readonly maximumConcurrent?: number;
}

/** The reply, or null when no server gave one in time. */
export type ForwardDone = (reply: Buffer | null) => void;

const TRY_MILLISECONDS = 2000;
const MAXIMUM_CONCURRENT = 1024;
/** With one server only, it is asked twice: a datagram may be lost. */
const MINIMUM_TRIES = 2;

/** Passes queries on. */
export class Forwarder {
  readonly #tries: readonly Resolver[];
  readonly #tryMilliseconds: number;
  readonly #maximumConcurrent: number;
  readonly #running = new Set<() => void>();
  #active = 0;

  constructor({ resolvers, tryMilliseconds = TRY_MILLISECONDS, maximumConcurrent = MAXIMUM_CONCURRENT }: ForwarderOptions) {
    this.#tries = resolvers.length === 1 ? Array.from({ length: MINIMUM_TRIES }, () => resolvers).flat() : resolvers;
    this.#tryMilliseconds = tryMilliseconds;
    this.#maximumConcurrent = maximumConcurrent;
  }

  /** Queries under way. */
  get active(): number {
    return this.#active;
  }

  /** Passes `message` on, whose question ends at `questionEnd`; `done` gets the reply under the query's own id. */
  forward(message: Buffer, questionEnd: number, overTcp: boolean, done: ForwardDone): void {
    if (this.#active >= this.#maximumConcurrent || this.#tries.length === 0) {
      done(null);
      return;
    }
    this.#active += 1;
    this.#try(0, message, questionEnd, overTcp, (reply) => {
      this.#active -= 1;
      done(reply);
    });
  }

  #try(index: number, message: Buffer, questionEnd: number, overTcp: boolean, done: ForwardDone): void {
    const resolver = this.#tries[index];
    if (!resolver) {
      done(null);
      return;
    }
    const query = Buffer.from(message);
    query.writeUInt16BE(randomInt(65_536), 0);
    const ask = overTcp ? askOverTcp : askOverUdp;
    let over = false;
    const finish = (reply: Buffer | null): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      this.#running.delete(stop);
      close();
      if (reply) {
        message.copy(reply, 0, 0, 2);
        done(reply);
      } else this.#try(index + 1, message, questionEnd, overTcp, done);
    };
    const timer = setTimeout(() => finish(null), this.#tryMilliseconds);
    const close = ask(resolver, query, (reply) => answersQuestion(reply, query, questionEnd), finish);
    const stop = (): void => {
      over = true;
      clearTimeout(timer);
      close();
      done(null);
    };
    this.#running.add(stop);
  }

  /** Gives up what is under way. */
  close(): void {
    for (const stop of [...this.#running]) stop();
    this.#running.clear();
  }
}

type Ask = (resolver: Resolver, query: Buffer, isReply: (reply: Buffer) => boolean, finish: ForwardDone) => () => void;

const askOverUdp: Ask = ({ address, port }, query, isReply, finish) => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    socket.close();
  };
  socket.on('error', () => finish(null));
  // What is not the reply may be forged: the right one may still come.
  socket.on('message', (reply) => {
    if (isReply(reply)) finish(reply);
  });
  // A connected socket takes datagrams of its peer alone, and hears when nobody listens there.
  socket.connect(port, address, () => {
    if (!closed) socket.send(query);
  });
  return close;
};

const askOverTcp: Ask = ({ address, port }, query, isReply, finish) => {
  const socket = connect({ host: address, port, noDelay: true });
  const framer = new MessageFramer((reply) => finish(isReply(reply) ? reply : null));
  socket.on('error', () => finish(null));
  socket.on('close', () => finish(null));
  socket.on('data', (data: Buffer) => framer.push(data));
  socket.write(frame(query));
  return () => socket.destroy();
};
