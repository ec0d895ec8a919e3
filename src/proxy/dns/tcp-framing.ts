// DNS over TCP: each message has its length before it (RFC 1035 section 4.2.2).

/** A message as it goes over TCP. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Cuts a stream into its messages; keeps what is not whole yet, and whatever comes while it is paused. */
export class MessageFramer {
  readonly #onMessage: (message: Buffer) => void;
  #kept: Buffer = Buffer.alloc(0);
  #paused = false;
  #delivering = false;

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** Whether whole messages may still wait: it is paused, or amid giving them out. */
  get busy(): boolean {
    return this.#paused || this.#delivering;
  }

  push(data: Buffer): void {
    this.#kept = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data]);
    this.#deliver();
  }

  /** Gives out no message more until `resume`, not even those that have come already. To be called from within a message too. */
  pause(): void {
    this.#paused = true;
  }

  /** Gives out what was kept, until it is paused again. */
  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  #deliver(): void {
    // A message that is answered at once leads back here: the loop below goes on with the next one then.
    if (this.#delivering) return;
    this.#delivering = true;
    let bytes = this.#kept;
    while (!this.#paused && bytes.length >= 2 && bytes.length >= bytes.readUInt16BE(0) + 2) {
      const end = bytes.readUInt16BE(0) + 2;
      const message = bytes.subarray(2, end);
      bytes = bytes.subarray(end);
      this.#onMessage(message);
    }
    // While paused this is called for every answer; what is kept need not be copied then.
    this.#kept = bytes === this.#kept || this.#paused ? bytes : Buffer.from(bytes);
    this.#delivering = false;
  }
}
