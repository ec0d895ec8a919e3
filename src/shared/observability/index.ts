// Logs, metrics and traces.
export { createLogger, isLogLevel, logLevels, setLogLevel, type Logger, type LogLevel } from './logger.ts';
