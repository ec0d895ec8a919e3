// Where a captured connection wanted to go. The look-up (SO_ORIGINAL_DST) needs a system call that Node does not offer, so it is given from outside.
import type { Socket } from 'node:net';

/** Returns the destination before redirection, or null when the connection was not redirected. */
export type OriginalDestination = (socket: Socket) => { readonly address: string; readonly port: number } | null;

/** Knows of no redirection. */
export const NO_ORIGINAL_DESTINATION: OriginalDestination = () => null;
