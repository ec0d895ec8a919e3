// Removes a cluster when the process that started it is gone without having done so, as after SIGKILL. A shell waits for that, as it needs no memory to speak of.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDetached } from './command.ts';
import { isAlive, processIdentity, type ProcessIdentity } from '../toolchain/exclusive.ts';

/** Starts the watchdog over this process. */
export function startWatchdog(name: string, scope: 'apiserver' | 'node', folder: string): ProcessIdentity | undefined {
  const log = openSync(join(folder, 'watchdog.log'), 'a');
  const down = [process.execPath, fileURLToPath(new URL('down.ts', import.meta.url)), '--scope', scope, '--name', name];
  const pid = startDetached(['sh', '-c', 'tail --pid="$1" -f /dev/null; shift; exec "$@"', 'sh', String(process.pid), ...down], log);
  closeSync(log);
  return processIdentity(pid);
}

/** Ends a watchdog whose cluster is removed by others; by one that the watchdog became it is left alone. */
export function stopWatchdog(watchdog: ProcessIdentity | undefined): void {
  if (watchdog === undefined || watchdog.pid === process.pid || !isAlive(watchdog)) return;
  // The shell leads a process group of its own, with tail in it.
  process.kill(-watchdog.pid, 'SIGKILL');
}
