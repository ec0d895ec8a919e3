// Writes access logs: lines are gathered per file and written together, at 64 KiB or after a second, without blocking requests. When a
// file can not keep up, lines are dropped and counted, since memory must not grow.
import { closeSync, openSync, write, writeSync } from 'node:fs';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import type { AccessLogConfig } from '../config/index.ts';
import { compileFormat, type LinePrinter } from './access-log-format.ts';
import type { LogEntry, OperatorEnvironment } from './access-log-operators.ts';

const FLUSH_BYTES = 65_536;
const FLUSH_MILLISECONDS = 1000;
const LIMIT_BYTES = 4 * 1_048_576;

/** Access logs of all listeners. */
export class AccessLogWriter {
  readonly #environment: OperatorEnvironment;
  readonly #printers = new WeakMap<AccessLogConfig, LinePrinter>();
  readonly #files = new Map<string, LogFile>();

  constructor(environment: OperatorEnvironment) {
    this.#environment = environment;
  }

  /** Writes a finished stream to `log`. */
  write(log: AccessLogConfig, entry: LogEntry): void {
    let print = this.#printers.get(log);
    if (!print) this.#printers.set(log, print = compileFormat(log.format, this.#environment));
    let file = this.#files.get(log.path);
    if (!file) this.#files.set(log.path, file = new LogFile(log.path));
    file.append(print(entry));
  }

  /** Lines that were dropped. */
  get dropped(): number {
    return [...this.#files.values()].reduce((total, file) => total + file.dropped, 0);
  }

  /** Writes what is gathered and closes the files. */
  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

class LogFile {
  readonly #path: string;
  #descriptor: number | undefined;
  #pending = '';
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  dropped = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = path === '/dev/stdout' ? 1 : path === '/dev/stderr' ? 2 : openSync(path, 'a', 0o640);
    } catch (error) {
      createLogger('access-log').error({ path, error: describeError(error) }, 'access log can not be opened; its lines are dropped');
    }
  }

  append(line: string): void {
    if (this.#descriptor === undefined || this.#pending.length > LIMIT_BYTES) {
      this.dropped += 1;
      return;
    }
    this.#pending += line;
    if (this.#pending.length >= FLUSH_BYTES) this.#flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), FLUSH_MILLISECONDS);
      this.#timer.unref();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    if (this.#descriptor === undefined) return;
    try {
      if (this.#pending !== '') writeSync(this.#descriptor, this.#pending);
      if (this.#descriptor > 2) closeSync(this.#descriptor);
    } catch (error) {
      createLogger('access-log').warn({ path: this.#path, error: describeError(error) }, 'last lines of an access log were not written');
    }
    this.#pending = '';
    this.#descriptor = undefined;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#pending === '' || this.#descriptor === undefined) return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    this.#writing = true;
    this.#write(bytes, 0);
  }

  /** Writes all of `bytes`; a pipe may take them in parts, or not now. */
  #write(bytes: Buffer, offset: number): void {
    if (this.#descriptor === undefined) return;
    write(this.#descriptor, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error && error.code !== 'EAGAIN') {
        this.#writing = false;
        this.dropped += 1;
        return;
      }
      const next = offset + (error ? 0 : written);
      if (next < bytes.length) {
        setTimeout(() => this.#write(bytes, next), error ? 20 : 0);
        return;
      }
      this.#writing = false;
      if (this.#pending.length >= FLUSH_BYTES) this.#flush();
      else if (this.#pending !== '' && this.#timer === undefined) this.#timer = setTimeout(() => this.#flush(), FLUSH_MILLISECONDS);
    });
  }
}
