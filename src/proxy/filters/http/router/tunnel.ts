// CONNECT that ends here: the bytes of the stream go over a plain connection to the cluster's endpoint, which may be an internal listener of this proxy.
import type { Cluster } from '../../../cluster/cluster.ts';
import type { Host } from '../../../cluster/host.ts';
import { EMPTY } from '../../../codec/api.ts';
import type { OpenConnection } from '../../../net/connect.ts';
import { peerOf } from '../../../net/internal-listeners.ts';
import { ResponseHeaders } from '../../../stream/header-map.ts';
import type { FilterServices } from '../../services.ts';
import type { StreamCallbacks } from '../api.ts';
import { PROXY_ERRORS } from './rescue.ts';

/** Bytes both ways between a stream and a connection. */
export class Tunnel {
  readonly #callbacks: StreamCallbacks;
  readonly #cancel: () => void;
  #open: OpenConnection | null = null;
  #early: { data: Buffer; endStream: boolean }[] = [];
  #over = false;

  constructor(services: FilterServices, cluster: Cluster, host: Host, callbacks: StreamCallbacks) {
    this.#callbacks = callbacks;
    const { info, requestHeaders } = callbacks;
    info.upstreamHost = host.addressText;
    cluster.count('upstream_cx_total');
    this.#cancel = services.upstream.connect(cluster, host, peerOf(info.connection, requestHeaders.authority), (open, reason, detail) => {
      if (this.#over) open?.socket.destroy();
      else if (open) this.#start(open);
      else {
        const meaning = PROXY_ERRORS[reason];
        cluster.reportLocalOrigin(host, true);
        info.upstreamTransportFailure = detail;
        callbacks.sendLocalReply({ status: 503, flag: meaning.flag, details: `upstream_reset_before_response_started{${reason}}`, body: `upstream connect error or disconnect/reset before headers. reset reason: ${meaning.reason}` });
      }
    });
  }

  #start(open: OpenConnection): void {
    this.#open = open;
    const { socket } = open;
    this.#callbacks.info.upstreamLocalAddress = open.localAddress;
    this.#callbacks.encodeHeaders(new ResponseHeaders(), false);
    socket.on('data', (data: Buffer) => this.#callbacks.encodeData(data, false));
    socket.on('end', () => this.#finish());
    socket.on('error', () => this.#fail());
    socket.on('close', () => this.#fail());
    socket.on('drain', () => this.#callbacks.readDisable(false));
    for (const { data, endStream } of this.#early) this.write(data, endStream);
    this.#early = [];
  }

  write(data: Buffer, endStream: boolean): void {
    if (!this.#open) {
      this.#early.push({ data, endStream });
      return;
    }
    const { socket } = this.#open;
    if (socket.destroyed || socket.writableEnded) return;
    if (data.length > 0 && !socket.write(data)) this.#callbacks.readDisable(true);
    if (endStream) socket.end();
  }

  onBlocked(blocked: boolean): void {
    if (blocked) this.#open?.socket.pause();
    else this.#open?.socket.resume();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    // The peer is done sending; what the client still sends goes on until it ends too.
    this.#callbacks.encodeData(EMPTY, true);
  }

  #fail(): void {
    if (this.#over) return;
    this.#over = true;
    this.#callbacks.resetStream();
  }

  destroy(): void {
    this.#over = true;
    this.#cancel();
    const socket = this.#open?.socket;
    // Bytes already written are still delivered.
    socket?.end();
    setTimeout(() => socket?.destroy(), 1000).unref();
  }
}
