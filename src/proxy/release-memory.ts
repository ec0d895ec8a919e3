// Gives back what starting up took: reading the program and the first configuration leaves several times what an idle proxy holds, and the engine keeps it as long as
// nothing else is allocated. Called by the proxy's process once its first configuration is in force.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void;

/** Collects garbage once, thoroughly; pauses the process for some tens of milliseconds. */
export function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  // The flag is seen by contexts that are made after it.
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
