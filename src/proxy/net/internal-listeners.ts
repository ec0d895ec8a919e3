// Listeners without a port: a connection to one is a pair of streams inside this process. Clusters connect to them by name; the listener manager
// registers them.
import { duplexPair, type Duplex } from 'node:stream';
import type { ConnectionInfo } from '../stream/stream-info.ts';

/** What an internal listener is told of a connection. */
export interface InternalPeer {
  readonly remoteAddress: string;
  /** URI SAN of the client's verified certificate, empty for none. */
  readonly identity: string;
  /** `host:port` that the connection is meant for; empty when unknown. */
  readonly destination: string;
  /** The client's address, when upstream connections are to come from it. */
  readonly keptSource: ConnectionInfo['keptSource'];
}

/** What of `connection` matters to a connection made for it, which is meant for `destination`. */
export function peerOf({ remoteAddress, tls, keptSource }: ConnectionInfo, destination: string): InternalPeer {
  return { remoteAddress, identity: tls?.peerVerified ? tls.peerUri : '', destination, keptSource };
}

/** Takes a connection made to an internal listener. */
export type InternalAccept = (socket: Duplex, peer: InternalPeer) => void;

/** The internal listeners of one data plane. */
export class InternalListeners {
  readonly #accepts = new Map<string, InternalAccept>();

  register(name: string, accept: InternalAccept): void {
    this.#accepts.set(name, accept);
  }

  /** Removes the listener, unless another one has taken the name since. */
  unregister(name: string, accept: InternalAccept): void {
    if (this.#accepts.get(name) === accept) this.#accepts.delete(name);
  }

  /** A connection to `name`; null when there is no such listener. */
  connect(name: string, peer: InternalPeer): Duplex | null {
    const accept = this.#accepts.get(name);
    if (!accept) return null;
    const [ours, theirs] = duplexPair();
    accept(theirs, peer);
    return ours;
  }
}
