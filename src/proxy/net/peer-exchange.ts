// The bytes of Istio's exchange of workload metadata on TCP: when TLS agreed on its protocol, each side sends magic, length and an Any with a Struct, the
// connecting side first. The metadata exchange filter runs it for accepted connections, `openConnection` for those we open.
import type { Duplex } from 'node:stream';
import { decodePeerMetadataAny, encodePeerMetadataAny, UNKNOWN_PEER } from '../stream/peer-metadata-codec.ts';
import type { PeerMetadata } from '../stream/stream-info.ts';

/** The ALPN protocol by which both sides agree to exchange. */
export const PEER_EXCHANGE_PROTOCOL = 'istio-peer-exchange';

const MAGIC = 0x3d230467;
const HEAD_BYTES = 8;
const MAXIMUM_BYTES = 64 * 1024;

/** What we send of `workload`. */
export function peerExchangeMessage(workload: PeerMetadata): Buffer {
  const payload = encodePeerMetadataAny(workload);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

/**
 * Reads the other side's message from the start of `socket` and gives what follows back to it, paused; `done(null)` when the connection ended or sent something else:
 * the protocol was agreed on, so that is a broken peer.
 */
export function readPeerExchange(socket: Duplex, done: (peer: PeerMetadata | null) => void): void {
  let kept: Buffer = Buffer.alloc(0);
  const finish = (peer: PeerMetadata | null, rest: Buffer): void => {
    socket.off('data', onData);
    socket.off('end', onGone);
    socket.off('close', onGone);
    if (peer) {
      socket.pause();
      if (rest.length > 0) socket.unshift(rest);
    }
    done(peer);
  };
  const onGone = (): void => finish(null, kept);
  const onData = (data: Buffer): void => {
    kept = kept.length === 0 ? data : Buffer.concat([kept, data]);
    if (kept.length < HEAD_BYTES) return;
    const length = kept.readUInt32BE(4);
    if (kept.readUInt32BE(0) !== MAGIC || length > MAXIMUM_BYTES) finish(null, kept);
    else if (kept.length >= HEAD_BYTES + length) finish(decodePeerMetadataAny(kept.subarray(HEAD_BYTES, HEAD_BYTES + length)) ?? UNKNOWN_PEER, kept.subarray(HEAD_BYTES + length));
  };
  socket.on('data', onData);
  socket.on('end', onGone);
  socket.on('close', onGone);
  socket.resume();
}
