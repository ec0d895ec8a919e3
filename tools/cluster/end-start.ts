// Ends the start of a cluster that another process is at: that process gives up and clears away itself, instead of finding its work gone half-way.
import { isAlive } from '../toolchain/exclusive.ts';
import { isBeingStarted, readState, type ClusterState } from './state.ts';

/** What clearing up takes on a busy machine. */
const GIVING_UP_MILLISECONDS = 60_000;

/** Tells the process that starts a cluster to give up, and waits until it has; does nothing when nobody starts it. */
export async function endStart(name: string, scope: ClusterState['scope'], progress: (line: string) => void, limitMilliseconds = GIVING_UP_MILLISECONDS): Promise<void> {
  const state = readState(name, scope);
  if (state?.starter === undefined || !isBeingStarted(state)) return;
  progress(`process ${state.starter.pid} is starting '${name}' at this moment, and is told to give up ...`);
  process.kill(state.starter.pid, 'SIGTERM');
  const end = Date.now() + limitMilliseconds;
  // One that goes on in spite of it loses what it made all the same.
  while (isAlive(state.starter) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
}
