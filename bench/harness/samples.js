// Several measurements of one thing on a machine that does other things too.

/** Median, least and greatest of `samples`. */
export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  return {
    median: (sorted[lower] + sorted[upper]) / 2,
    min: sorted[0],
    max: sorted.at(-1),
    samples,
  };
}

/**
 * Measures every contestant once, then all of them again, `rounds` times in all: what slows the
 * machine down for a while slows down each of them.
 *
 * @returns each contestant's measurements, in the order of `contestants`
 */
export async function alternate(contestants, rounds, measure) {
  const samples = contestants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, contestant] of contestants.entries()) samples[i].push(await measure(contestant));
  }
  return samples;
}
