// Whether an answer holds all wanted pieces in their order, with anything between them. Used by TCP and HTTP health checks.

/** True when `answer` holds each of `pieces`, one after the other. */
export function matchesInOrder(answer: Buffer, pieces: readonly Buffer[]): boolean {
  let from = 0;
  for (const piece of pieces) {
    const found = answer.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return true;
}
