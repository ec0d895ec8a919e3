// The log of one container run: a file that the process writes itself. Once a second the node notes how long it is, which
// gives lines their times, and cuts it when it has grown too long.
import { closeSync, copyFileSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const LONGEST_BYTES = 10 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
const MOST_MARKS = 4096;

/** How to read a log. */
export interface LogReadOptions {
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly timestamps: boolean;
  readonly sinceSeconds?: number;
}

/** A log file with the times of its parts. */
export class ContainerLog {
  readonly path: string;
  readonly #marks: { offset: number; time: number }[] = [];
  readonly #closed = new AbortController();
  #descriptor: number | undefined;
  #size = 0;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'a', 0o640);
    this.#marks.push({ offset: 0, time: Date.now() });
  }

  /** The file descriptor that the process gets as its output. */
  get descriptor(): number {
    if (this.#descriptor === undefined) throw new Error('The log of an ended container takes no more output.');
    return this.#descriptor;
  }

  /** Notes the present length; called by the node's ticker. */
  tick(): void {
    if (this.#descriptor === undefined) return;
    const { size } = fstatSync(this.#descriptor);
    if (size === this.#size) return;
    this.#marks.push({ offset: this.#size, time: Date.now() });
    if (this.#marks.length > MOST_MARKS) this.#marks.splice(1, MOST_MARKS / 2);
    this.#size = size;
    if (size > LONGEST_BYTES) this.#rotate();
  }

  /** The container has ended: nothing more will be written. */
  close(): void {
    this.tick();
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#closed.abort();
  }

  /** The bytes of the log, line by line when times are asked for. */
  async *read(options: LogReadOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await open(this.path, 'r');
    try {
      let offset = await this.#startOffset(file, options);
      let rest = Buffer.alloc(0);
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, offset);
        const chunk = buffer.subarray(0, bytesRead);
        if (bytesRead > 0 && !options.timestamps) yield chunk;
        if (bytesRead > 0 && options.timestamps) {
          const text = Buffer.concat([rest, chunk]);
          const end = text.lastIndexOf(10) + 1;
          yield this.#stamp(text.subarray(0, end), offset - rest.length);
          rest = Buffer.from(text.subarray(end));
        }
        offset += bytesRead;
        if (bytesRead > 0) continue;
        if (!options.follow || signal.aborted || this.#closed.signal.aborted) break;
        // Cut because it had grown too long.
        if ((await file.stat()).size < offset) offset = 0;
        else await this.#change(signal, offset);
      }
      if (rest.length > 0) yield this.#stamp(rest, offset - rest.length);
    } finally {
      await file.close();
    }
  }

  async #startOffset(file: FileHandle, options: LogReadOptions): Promise<number> {
    let start = 0;
    if (options.sinceSeconds !== undefined) {
      const from = Date.now() - options.sinceSeconds * 1000;
      start = this.#marks.find((mark) => mark.time >= from)?.offset ?? (await file.stat()).size;
    }
    if (options.tailLines === undefined) return start;
    return lastLines(file, start, options.tailLines);
  }

  #stamp(lines: Buffer, offset: number): Buffer {
    const parts: Buffer[] = [];
    for (let start = 0; start < lines.length;) {
      const found = lines.indexOf(10, start);
      const end = found < 0 ? lines.length : found + 1;
      parts.push(Buffer.from(`${this.#timeOf(offset + start)} `), lines.subarray(start, end));
      start = end;
    }
    return Buffer.concat(parts);
  }

  #timeOf(offset: number): string {
    let time = this.#marks[0]?.time ?? Date.now();
    for (const mark of this.#marks) {
      if (mark.offset > offset) break;
      time = mark.time;
    }
    return new Date(offset >= this.#size ? Date.now() : time).toISOString();
  }

  async #change(signal: AbortSignal, offset: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        watcher.close();
        signal.removeEventListener('abort', done);
        this.#closed.signal.removeEventListener('abort', done);
        resolve();
      };
      const watcher = watch(this.path, done);
      watcher.on('error', done);
      signal.addEventListener('abort', done);
      this.#closed.signal.addEventListener('abort', done);
      // Written between the last read and the watch, or ended meanwhile.
      const grown = this.#descriptor !== undefined && fstatSync(this.#descriptor).size !== offset;
      if (grown || signal.aborted || this.#closed.signal.aborted) done();
    });
  }

  // The process keeps its descriptor (opened for appending), so the file is copied and emptied.
  #rotate(): void {
    if (this.#descriptor === undefined || !existsSync(this.path)) return;
    copyFileSync(this.path, `${this.path}.1`);
    ftruncateSync(this.#descriptor);
    this.#size = 0;
    this.#marks.splice(0, this.#marks.length, { offset: 0, time: Date.now() });
  }
}

// Where the last `wanted` lines begin, not before `start`: found by reading backwards.
async function lastLines(file: FileHandle, start: number, wanted: number): Promise<number> {
  let position = (await file.stat()).size;
  if (wanted <= 0) return position;
  const end = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, position - 1));
  // A last line without its end counts as one.
  let lines = position > start && end.buffer[0] !== 10 ? 1 : 0;
  while (position > start) {
    const length = Math.min(READ_BYTES, position - start);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, position - length);
    for (let index = length - 1; index >= 0; index -= 1) {
      if (buffer[index] !== 10) continue;
      lines += 1;
      if (lines > wanted) return position - length + index + 1;
    }
    position -= length;
  }
  return start;
}
