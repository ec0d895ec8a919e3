// DNS over TCP: each message has its length before it (RFC 1035 section 4.2.2).

/** A message as it goes over TCP. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Cuts a stream into its messages; keeps at most one that is not whole. */
export class MessageFramer {
  readonly #onMessage: (message: Buffer) => void;
  #kept: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** Bytes that wait for the rest of their message. */
  get keptBytes(): number {
    return this.#kept.length;
  }

  push(data: Buffer): void {
    let bytes = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data]);
    while (bytes.length >= 2 && bytes.length >= bytes.readUInt16BE(0) + 2) {
      const end = bytes.readUInt16BE(0) + 2;
      this.#onMessage(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
    this.#kept = Buffer.from(bytes);
  }
}
