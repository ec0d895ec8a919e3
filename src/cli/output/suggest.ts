// Guesses what a mistyped word was meant to be.

/** The candidate nearest to `word` by edit distance; undefined when none is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(word, candidate) })).sort((left, right) => left.distance - right.distance);
  const [best] = ranked;
  return best && best.distance <= limit ? best.candidate : undefined;
}

/** Insertions, deletions and replacements from one word to the other (Levenshtein). */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...right].entries()) {
      current.push(Math.min((previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1, (previous[column] ?? 0) + (letter === other ? 0 : 1)));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
