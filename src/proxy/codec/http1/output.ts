// Gathers what is written to a socket within one turn and writes it at once: one system call a message in the common case. Knows when the peer cannot
// take more.
import type { Duplex } from 'node:stream';
import { flushAtEnd } from '../turn.ts';

/** Gathered bytes are written at once beyond this. */
const FLUSH_BYTES = 64 * 1024;
/** Up to here pieces are copied into one buffer; larger ones are written side by side. */
const COPY_BYTES = 32 * 1024;

/** The writing side of a connection. */
export class Output {
  readonly #socket: Duplex;
  readonly #onBlocked: (blocked: boolean) => void;
  #pieces: (string | Buffer)[] = [];
  #bytes = 0;
  #queued = false;
  blocked = false;

  constructor(socket: Duplex, onBlocked: (blocked: boolean) => void) {
    this.#socket = socket;
    this.#onBlocked = onBlocked;
    socket.on('drain', () => {
      if (!this.blocked) return;
      this.blocked = false;
      this.#onBlocked(false);
    });
  }

  /** Adds a piece; strings are latin1. */
  add(piece: string | Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes > FLUSH_BYTES) this.flush();
    else if (!this.#queued) {
      this.#queued = true;
      flushAtEnd(this);
    }
  }

  /** Writes what was gathered. */
  flush(): void {
    this.#queued = false;
    const pieces = this.#pieces;
    if (pieces.length === 0 || this.#socket.destroyed || this.#socket.writableEnded) {
      if (pieces.length > 0) this.#pieces = [];
      this.#bytes = 0;
      return;
    }
    const free = this.#write(pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (free || this.blocked) return;
    this.blocked = true;
    this.#onBlocked(true);
  }

  #write(pieces: readonly (string | Buffer)[]): boolean {
    const first = pieces[0] ?? '';
    if (pieces.length === 1) return typeof first === 'string' ? this.#socket.write(first, 'latin1') : this.#socket.write(first);
    if (this.#bytes <= COPY_BYTES) return this.#socket.write(join(pieces, this.#bytes));
    this.#socket.cork();
    let free = true;
    for (const piece of pieces) free = typeof piece === 'string' ? this.#socket.write(piece, 'latin1') : this.#socket.write(piece);
    this.#socket.uncork();
    return free && !this.#socket.writableNeedDrain;
  }
}

function join(pieces: readonly (string | Buffer)[], length: number): Buffer {
  const joined = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') offset += joined.write(piece, offset, 'latin1');
    else {
      joined.set(piece, offset);
      offset += piece.length;
    }
  }
  return joined;
}
