// The cluster's name server: UDP, and TCP for answers that do not fit a datagram.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { Answer } from './dns-message.ts';
import { decodeQuestion, encodeAnswer } from './dns-message.ts';

const DATAGRAM_LIMIT = 1232;
const IDLE_MILLISECONDS = 10_000;

/** Answers questions at one address. */
export class DnsServer {
  readonly #resolve: (name: string, type: number) => Answer;
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;

  constructor(resolve: (name: string, type: number) => Answer) {
    this.#resolve = resolve;
    this.#udp = createSocket('udp4', (message, from) => {
      const answer = this.#answer(message, DATAGRAM_LIMIT);
      if (answer) this.#udp.send(answer, from.port, from.address);
    });
    this.#tcp = createServer((socket) => {
      let pending = Buffer.alloc(0);
      socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        pending = Buffer.concat([pending, chunk]);
        while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
          const end = 2 + pending.readUInt16BE(0);
          const answer = this.#answer(pending.subarray(2, end), 65_535);
          pending = pending.subarray(end);
          if (!answer) { socket.destroy(); return; }
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        }
      });
    });
  }

  /** Binds both sockets. */
  async listen(address: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind({ address, port, exclusive: true }, () => {
        this.#udp.off('error', reject);
        // An answer that could not be sent: the client asks again.
        this.#udp.on('error', () => undefined);
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(port, address, resolve);
    });
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #answer(message: Buffer, limit: number): Buffer | undefined {
    const question = decodeQuestion(message);
    return question && encodeAnswer(question, this.#resolve(question.name, question.type), limit);
  }
}
