// Reads the server name and ALPN protocols from a TLS ClientHello (RFC 8446 section 4.1.2) without answering it. Strict about lengths: every field must
// lie inside the record that announces it. Used by the first-bytes inspection of accepted connections.

/** The longest ClientHello that is waited for. */
export const MAXIMUM_CLIENT_HELLO = 16 * 1024;

/** What the first bytes say. */
export type ClientHello = { readonly kind: 'more' } | { readonly kind: 'not_tls' } | { readonly kind: 'tls'; readonly serverName: string; readonly alpn: readonly string[] };

const NOT_TLS: ClientHello = { kind: 'not_tls' };
const MORE: ClientHello = { kind: 'more' };

/** Reads `bytes` from their start. */
export function parseClientHello(bytes: Buffer): ClientHello {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== 22 || (bytes.length > 1 && bytes[1] !== 3)) return NOT_TLS;
  const handshake = joinRecords(bytes);
  if (handshake === null) return NOT_TLS;
  if (handshake.length > 0 && handshake[0] !== 1) return NOT_TLS;
  if (handshake.length < 4) return MORE;
  const length = handshake.readUIntBE(1, 3);
  if (length > MAXIMUM_CLIENT_HELLO) return NOT_TLS;
  if (handshake.length < length + 4) return MORE;
  try {
    return readBody(handshake.subarray(4, length + 4));
  } catch (error) {
    if (error instanceof RangeError) return NOT_TLS;
    throw error;
  }
}

/** The handshake bytes of all complete and begun records; null when a record is of another kind. */
function joinRecords(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let offset = 0;
  while (offset + 5 <= bytes.length) {
    if (bytes[offset] !== 22 || bytes[offset + 1] !== 3) return parts.length > 0 ? Buffer.concat(parts) : null;
    const length = bytes.readUInt16BE(offset + 3);
    if (length === 0 || length > MAXIMUM_CLIENT_HELLO) return null;
    parts.push(bytes.subarray(offset + 5, Math.min(bytes.length, offset + 5 + length)));
    offset += 5 + length;
  }
  return Buffer.concat(parts);
}

class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  number(size: number): number {
    const value = this.#bytes.readUIntBE(this.#offset, size);
    this.#offset += size;
    return value;
  }

  /** A vector whose length comes before it in `size` bytes. */
  vector(size: number): Reader {
    return new Reader(this.bytes(this.number(size)));
  }

  bytes(length: number): Buffer {
    if (length > this.left) throw new RangeError('field beyond its record');
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }
}

function readBody(body: Buffer): ClientHello {
  const reader = new Reader(body);
  reader.bytes(2 + 32);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  let serverName = '';
  let alpn: readonly string[] = [];
  if (reader.left > 0) {
    const extensions = reader.vector(2);
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const content = extensions.vector(2);
      if (type === 0) serverName = readServerName(content);
      else if (type === 16) alpn = readProtocols(content);
    }
  }
  return { kind: 'tls', serverName, alpn };
}

function readServerName(content: Reader): string {
  const list = content.vector(2);
  while (list.left > 0) {
    const type = list.number(1);
    const name = list.bytes(list.number(2));
    if (type === 0) return name.toString('latin1').toLowerCase();
  }
  return '';
}

function readProtocols(content: Reader): string[] {
  const list = content.vector(2);
  const protocols: string[] = [];
  while (list.left > 0) protocols.push(list.bytes(list.number(1)).toString('latin1'));
  return protocols;
}
