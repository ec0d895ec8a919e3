// Structured logs: one logger a component by name, JSON lines on standard error or readable lines on a terminal. The home of pino.
import { pino, type Logger as PinoLogger } from 'pino';

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

const root: PinoLogger = pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, pino.destination({ dest: 2, sync: true }));
const loggers = new Map<string, PinoLogger>();

/** The logger named `name`; the same one each time. */
export function createLogger(name: string): Logger {
  let logger = loggers.get(name);
  if (!logger) {
    logger = root.child({ logger: name });
    loggers.set(name, logger);
  }
  const target = logger;
  return {
    debug: (fields, message) => target.debug(fields, message),
    info: (fields, message) => target.info(fields, message),
    warn: (fields, message) => target.warn(fields, message),
    error: (fields, message) => target.error(fields, message),
    isDebug: () => target.isLevelEnabled('debug'),
  };
}

/** Whether `text` names a level. */
export function isLogLevel(text: string): text is LogLevel {
  return (levels as readonly string[]).includes(text);
}

/** Sets the level of the logger named `name`, or of all present and future ones when no name is given. */
export function setLogLevel(level: LogLevel, name?: string): void {
  if (name !== undefined) {
    const logger = loggers.get(name);
    if (logger) logger.level = level;
    return;
  }
  root.level = level;
  for (const logger of loggers.values()) logger.level = level;
}

/** Names and levels of the loggers there are. */
export function logLevels(): Readonly<Record<string, string>> {
  return Object.fromEntries([...loggers].map(([name, logger]) => [name, logger.level]));
}
