// Bounds for counts of random choices, so that a weighted split can be judged without guessing a tolerance.

/** The least and greatest count of successes in `trials` independent choices of probability `share` that is not rarer than `significance` on its side. */
export function binomialBounds(trials: number, share: number, significance = 1e-6): { readonly lower: number; readonly upper: number } {
  const masses = binomialMasses(trials, share);
  let lower = 0;
  for (let tail = masses[0] ?? 0; tail < significance && lower < trials; tail += masses[lower] ?? 0) lower += 1;
  let upper = trials;
  for (let tail = masses[trials] ?? 0; tail < significance && upper > 0; tail += masses[upper] ?? 0) upper -= 1;
  return { lower, upper };
}

/** Probability of each count, computed in logarithms: the factors leave the range of numbers otherwise. */
function binomialMasses(trials: number, share: number): number[] {
  if (share <= 0 || share >= 1) return Array.from({ length: trials + 1 }, (_, count) => (count === (share <= 0 ? 0 : trials) ? 1 : 0));
  const masses: number[] = [];
  let logChoose = 0;
  for (let count = 0; count <= trials; count += 1) {
    if (count > 0) logChoose += Math.log(trials - count + 1) - Math.log(count);
    masses.push(Math.exp(logChoose + count * Math.log(share) + (trials - count) * Math.log(1 - share)));
  }
  return masses;
}
