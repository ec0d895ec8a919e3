// Structured logs: one logger a component by name, JSON lines on standard error. Lines are written by a sink: the light one here, which the proxy keeps because every
// sidecar of a mesh pays for what it loads, or pino's (pino-sink.ts), which all larger programs install.
import { writeSync } from 'node:fs';

/** A component's logger: a static message first in meaning, the facts as fields. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether debug lines are written; ask before computing costly fields. */
  isDebug(): boolean;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A log level that `setLogLevel` takes. */
export type LogLevel = (typeof levels)[number];

/** Levels that a line can have. */
export type LineLevel = Exclude<LogLevel, 'silent'>;

/** Writes one line of the log. */
export type LogSink = (level: LineLevel, logger: string, fields: object, message: string) => void;

interface State { readonly logger: Logger; level: number }

const STANDARD_ERROR = 2;
/** A full pipe is waited for this often, a millisecond each; then the line is lost rather than the program held. */
const FULL_PIPE_TRIES = 100;
const pause = new Int32Array(new SharedArrayBuffer(4));
const states = new Map<string, State>();
let sink: LogSink = (level, logger, fields, message) => writeLine(logLine(level, logger, fields, message));
let rootLevel: number = levels.indexOf('info');

/** The logger named `name`; the same one each time. */
export function createLogger(name: string): Logger {
  const known = states.get(name);
  if (known) return known.logger;
  const at = (level: LineLevel): Logger['info'] => {
    const rank = levels.indexOf(level);
    return (fields, message) => {
      if (rank >= state.level) sink(level, name, fields, message);
    };
  };
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), isDebug: () => state.level <= levels.indexOf('debug') };
  const state: State = { logger, level: rootLevel };
  states.set(name, state);
  return logger;
}

/** Has every line, of present and future loggers, written by `next`. */
export function setLogSink(next: LogSink): void {
  sink = next;
}

/** Whether `text` names a level. */
export function isLogLevel(text: string): text is LogLevel {
  return (levels as readonly string[]).includes(text);
}

/** Sets the level of the logger named `name`, or of all present and future ones when no name is given. */
export function setLogLevel(level: LogLevel, name?: string): void {
  const rank = levels.indexOf(level);
  if (name !== undefined) {
    const state = states.get(name);
    if (state) state.level = rank;
    return;
  }
  rootLevel = rank;
  for (const state of states.values()) state.level = rank;
}

/** Names and levels of the loggers there are. */
export function logLevels(): Readonly<Record<string, string>> {
  return Object.fromEntries([...states].map(([name, { level }]) => [name, levels[level] ?? 'silent']));
}

/** One line of the log; fields that JSON cannot hold (cycles, big integers) are told as text. */
export function logLine(level: LogLevel, logger: string, fields: object, message: string): string {
  const head = { level, time: new Date().toISOString(), logger };
  try {
    return `${JSON.stringify({ ...head, ...fields, msg: message }, readableError)}\n`;
  } catch (error) {
    const safe = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
    return `${JSON.stringify({ ...head, ...safe, unwritable: String(error), msg: message })}\n`;
  }
}

function readableError(_key: string, value: unknown): unknown {
  return value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value;
}

/** Standard error can be a pipe whose reader is slow, and is then not ready for a moment. */
function writeLine(line: string): void {
  let rest = Buffer.from(line);
  for (let tries = 0; rest.length > 0 && tries < FULL_PIPE_TRIES;) {
    try {
      rest = rest.subarray(writeSync(STANDARD_ERROR, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      tries += 1;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
