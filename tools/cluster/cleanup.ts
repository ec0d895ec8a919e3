// Removes a cluster and whatever an interrupted start or removal left of it. All of it follows from the name, so that this can be done at any time, twice as well.
import { readFileSync, rmSync, rmdirSync } from 'node:fs';
import { attempt, waitUntil } from './command.ts';
import { hierarchies, removeControlGroup } from './control-groups.ts';
import { removeHostLinks } from './cables.ts';
import { isAlive } from '../toolchain/exclusive.ts';
import { restoreHostSettings } from './host-settings.ts';
import { clusterControlGroup, STATE_ROOT } from './layout.ts';
import { claimedIndices, clusterNames, readState, releaseIndices, stateFolder } from './state.ts';
import { Supervisor } from './supervisor.ts';
import { stopWatchdog } from './watchdog.ts';

const END_MILLISECONDS = 15_000;

/** Removes a cluster of whole nodes: processes first, then what outlives them. */
export async function removeCluster(name: string): Promise<void> {
  const folder = stateFolder(name, 'node');
  stopWatchdog(readState(name, 'node')?.watchdog);
  if (hierarchies().length > 0) await removeControlGroup(clusterControlGroup(name));
  for (const index of claimedIndices(name)) await removeHostLinks(index);
  for (const path of mountsUnder(folder)) await attempt(['umount', '--lazy', path]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  releaseIndices(name);
  if (clusterNames().length === 0) {
    restoreHostSettings();
    removeEmpty(STATE_ROOT);
  }
}

/** Removes an API server that runs alone. */
export async function removeApiServer(name: string): Promise<void> {
  const folder = stateFolder(name, 'apiserver');
  const state = readState(name, 'apiserver');
  const supervisor = state?.supervisor;
  stopWatchdog(state?.watchdog);
  if (supervisor !== undefined && isAlive(supervisor)) {
    await new Supervisor(folder).end().catch(() => process.kill(supervisor.pid, 'SIGTERM'));
    await waitUntil(() => (isAlive(supervisor) ? undefined : true), END_MILLISECONDS, () => `the supervisor ${supervisor.pid} of ${name} does not end`);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function mountsUnder(folder: string): string[] {
  return readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`)).reverse();
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
