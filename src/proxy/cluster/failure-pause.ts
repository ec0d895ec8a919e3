// The pause after a failure that comes again: it doubles up to an end, and is drawn from the whole of it so that many do not ask at once.

/** Milliseconds after the `failures`-th failure in a row; `dice` from 0 to 1. */
export function backoffPause({ baseMilliseconds, maximumMilliseconds }: { readonly baseMilliseconds: number; readonly maximumMilliseconds: number }, failures: number, dice: number): number {
  const end = Math.min(maximumMilliseconds, baseMilliseconds * 2 ** Math.min(30, failures - 1));
  return Math.floor(dice * end);
}
