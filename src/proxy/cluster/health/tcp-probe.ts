// A health check by TCP: that a connection can be made, or that what is sent is answered by certain bytes.
import type { Duplex } from 'node:stream';
import type { HealthCheckConfig, HealthCheckerConfig } from '../../config/runtime-config.ts';
import type { CheckedCluster } from './checked-cluster.ts';
import type { Host } from '../host.ts';
import type { Probe, ProbeResult } from './health-session.ts';
import { matchesInOrder } from './payload-match.ts';
import { openProbeConnection } from './probe-connection.ts';

const MAXIMUM_ANSWER_BYTES = 64 * 1024;
const NETWORK: ProbeResult = { success: false, failure: 'network', retriable: false };

/** Asks one host. */
export class TcpProbe implements Probe {
  readonly #config: HealthCheckConfig;
  readonly #host: Host;
  readonly #cluster: CheckedCluster;
  readonly #send: Buffer;
  readonly #receive: readonly Buffer[];
  #socket: Duplex | null = null;
  #giveUp: (() => void) | null = null;
  #done: ((result: ProbeResult) => void) | null = null;
  #answer: Buffer[] = [];
  #answerBytes = 0;

  constructor(config: HealthCheckConfig, checker: HealthCheckerConfig & { kind: 'tcp' }, host: Host, cluster: CheckedCluster) {
    this.#config = config;
    this.#host = host;
    this.#cluster = cluster;
    this.#send = Buffer.from(checker.send, 'hex');
    this.#receive = checker.receive.map((bytes) => Buffer.from(bytes, 'hex'));
  }

  check(done: (result: ProbeResult) => void): void {
    this.#done = done;
    this.#answer = [];
    this.#answerBytes = 0;
    if (this.#socket) this.#ask(this.#socket);
    else {
      this.#giveUp = openProbeConnection(this.#config, this.#host, this.#cluster, (open) => {
        this.#giveUp = null;
        if (!open) this.#finish(NETWORK);
        else if (this.#done === null) open.socket.destroy();
        else this.#onConnected(open.socket);
      });
    }
  }

  #onConnected(socket: Duplex): void {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.on('error', () => this.#onClosed(socket));
    socket.on('end', () => this.#onClosed(socket));
    socket.on('close', () => this.#onClosed(socket));
    this.#ask(socket);
  }

  #ask(socket: Duplex): void {
    if (this.#send.length > 0) socket.write(this.#send);
    if (this.#receive.length > 0) return;
    // That it could be connected is all that is wanted; there is nothing a kept connection would tell.
    if (this.#send.length === 0) this.#drop();
    this.#finish({ success: true, degraded: false });
  }

  #onData(data: Buffer): void {
    if (this.#done === null || this.#answerBytes > MAXIMUM_ANSWER_BYTES) return;
    this.#answer.push(data);
    this.#answerBytes += data.length;
    if (matchesInOrder(Buffer.concat(this.#answer), this.#receive)) this.#finish({ success: true, degraded: false });
  }

  #onClosed(socket: Duplex): void {
    if (this.#socket !== socket) return;
    this.#drop();
    this.#finish(NETWORK);
  }

  #finish(result: ProbeResult): void {
    const done = this.#done;
    this.#done = null;
    done?.(result);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  cancel(): void {
    this.#done = null;
    this.#giveUp?.();
    this.#giveUp = null;
    this.#drop();
  }

  close(): void {
    this.cancel();
  }
}
