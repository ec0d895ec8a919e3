// Istio's exchange of workload metadata on TCP: when the ALPN protocol was agreed on, each side first sends magic, length and an Any with a Struct. The listener's side
// reads the client's and answers with its own.
import type { MetadataExchangeConfig } from '../../../config/filter-config.ts';
import { decodePeerMetadataAny, encodePeerMetadataAny, UNKNOWN_PEER } from '../../../stream/peer-metadata-codec.ts';
import type { NetworkConnection, NetworkFilter, NetworkFilterPlace } from '../api.ts';

const MAGIC = 0x3d230467;
const HEAD_BYTES = 8;
const MAXIMUM_BYTES = 64 * 1024;

/** Makes the filter. */
export function metadataExchangeFilter(config: MetadataExchangeConfig, { services }: NetworkFilterPlace): NetworkFilter {
  const payload = encodePeerMetadataAny(services.localWorkload);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(payload.length, 4);
  const message = Buffer.concat([head, payload]);
  return {
    onConnection(connection, next) {
      if (connection.info.tls?.alpn === config.alpnProtocol) exchange(connection, message, next);
      else next();
    },
  };
}

function exchange(connection: NetworkConnection, message: Buffer, next: () => void): void {
  const { socket, info } = connection;
  let kept: Buffer = Buffer.alloc(0);
  const finish = (rest: Buffer, goOn: boolean): void => {
    socket.off('data', onData);
    socket.off('close', onGone);
    if (!goOn) {
      socket.destroy();
      return;
    }
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    next();
  };
  const onGone = (): void => finish(kept, false);
  const onData = (data: Buffer): void => {
    kept = kept.length === 0 ? data : Buffer.concat([kept, data]);
    if (kept.length < HEAD_BYTES) return;
    const length = kept.readUInt32BE(4);
    if (kept.readUInt32BE(0) !== MAGIC || length > MAXIMUM_BYTES) {
      // The protocol was agreed on: anything else is a broken peer.
      finish(kept, false);
      return;
    }
    if (kept.length < HEAD_BYTES + length) return;
    info.peer = decodePeerMetadataAny(kept.subarray(HEAD_BYTES, HEAD_BYTES + length)) ?? UNKNOWN_PEER;
    socket.write(message);
    finish(kept.subarray(HEAD_BYTES + length), true);
  };
  socket.on('data', onData);
  socket.on('close', onGone);
  socket.resume();
}
