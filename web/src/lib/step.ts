// How far apart points lie.
export const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800];

/** Seconds between points: a round number that gives about as many as can be seen. */
export function chooseStep(spanMs: number, points = 300): number {
  const least = spanMs / 1000 / points;
  return STEPS.find((s) => s >= least) ?? Math.ceil(least / 86_400) * 86_400;
}
