// What pickers are: each chooses one of a fixed set of hosts and is made anew when the set changes.
import type { Host } from '../host.ts';

/** Chooses the next host. Null only for an empty set. */
export type Picker = () => Host | null;

/** Chooses by a hash; `draw` counts the draws for one request, so that another host comes when the first is not wanted. */
export type HashPicker = (hash: bigint, draw: number) => Host | null;
