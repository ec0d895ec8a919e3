// What a picker is: it chooses one of a fixed set of hosts. Made anew when the set changes.
import type { Host } from '../host.ts';

/** Chooses a host; `hash` is null when the request has none, `attempt` grows with each retry. Null only for an empty set. */
export type Picker = (hash: bigint | null, attempt: number) => Host | null;
