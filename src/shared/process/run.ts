// Runs a program: starts its components, waits for SIGINT or SIGTERM, stops them, exits. The one place that exits a process.
import { createLogger } from '../observability/index.ts';
import { describeError } from '../lib/index.ts';
import { startComponents, stopComponents, type Component } from './component.ts';

/** How long a program may take to stop before it is ended. */
const STOP_LIMIT_MILLISECONDS = 60_000;

/** Starts `components` and resolves after a signal has stopped them; the exit status is 0 after a clean stop, 1 otherwise. */
export async function runProgram(name: string, components: readonly Component[]): Promise<void> {
  const log = createLogger(name);
  const controller = new AbortController();
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  process.on('unhandledRejection', (error) => {
    log.error({ error: describeError(error) }, 'unhandled rejection');
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    log.error({ error: describeError(error), stack: error.stack }, 'uncaught exception');
    process.exit(1);
  });
  try {
    await startComponents(components, controller.signal);
  } catch (error) {
    log.error({ error: describeError(error) }, 'program did not start');
    process.exit(1);
  }
  log.info({ components: components.map((component) => component.name) }, 'program started');
  const signal = await stopped;
  log.info({ signal }, 'program is stopping');
  setTimeout(() => process.exit(1), STOP_LIMIT_MILLISECONDS).unref();
  controller.abort();
  try {
    await stopComponents(components);
  } catch (error) {
    log.error({ error: describeError(error) }, 'program did not stop cleanly');
    process.exit(1);
  }
  process.exit(0);
}
