// Log lines written by pino, for every program but those of which a mesh has one a pod. The only importer of pino; installed by the programs' main files.
import { pino, type Logger as PinoLogger } from 'pino';
import { setLogSink } from './logger.ts';

const STANDARD_ERROR = 2;

/** Writes the log of this program by pino from now on; which levels are written is still `setLogLevel`'s matter. */
export function usePino(): void {
  const root = pino({
    level: 'trace', base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: pino.stdSerializers.err }, formatters: { level: (label) => ({ level: label }) },
  }, pino.destination({ dest: STANDARD_ERROR, sync: true }));
  const children = new Map<string, PinoLogger>();
  setLogSink((level, name, fields, message) => {
    let child = children.get(name);
    if (!child) children.set(name, child = root.child({ logger: name }));
    child[level](fields, message);
  });
}
