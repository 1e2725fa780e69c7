// What a query cost the server, in words, and what to do about one that costs much.
import { count, duration, plural } from "./format";

/** `stats` of Prometheus' query API, with two counts of our own. */
export interface QueryStats {
  /** Seconds. */
  timings: { evalTotalTime: number; resultSortTime: number; queryPreparationTime: number; innerEvalTime: number; execTotalTime: number };
  samples: { totalQueryableSamples: number; peakSamples: number; seriesRead: number; samplesRead: number };
}
export interface Shown {
  series: number;
  points: number;
}

const SLOW_S = 1;
const MANY_SAMPLES = 5_000_000;
const MANY_SERIES = 10_000;
/** Windows that overlap so much look at each sample this often. */
const MANY_TIMES = 50;

/** "48ms · 12 series, 1,204 samples read · 3,612 points" */
export function costWords(stats: QueryStats, shown: Shown): string {
  const { seriesRead, samplesRead } = stats.samples;
  return [duration(stats.timings.execTotalTime * 1000), `${plural(seriesRead, "series", "series")} and ${plural(samplesRead, "sample")} read`, plural(shown.points, "point")].join(" · ");
}

/** All there is to say, for a title. */
export function costDetail({ timings: t, samples: s }: QueryStats): string {
  return [
    `evaluated in ${duration(t.innerEvalTime * 1000)}, sorted in ${duration(t.resultSortTime * 1000)}`,
    `${count(s.totalQueryableSamples)} samples looked at over all steps`,
    `${count(s.peakSamples)} held at once`,
  ].join("; ");
}

/** Null for a query that costs little. */
export function costHint(stats: QueryStats, shown: Shown): string | null {
  const s = stats.samples;
  const slow = stats.timings.execTotalTime >= SLOW_S;
  if (s.seriesRead >= MANY_SERIES) return `It reads ${count(s.seriesRead)} series${shown.series * 100 < s.seriesRead ? ` to show ${count(shown.series)}` : ""}: name labels that narrow them, or record the result as a rule.`;
  if (s.samplesRead >= MANY_SAMPLES) return `It reads ${count(s.samplesRead)} samples: choose a shorter range, or record the result as a rule.`;
  if (slow && s.totalQueryableSamples > s.samplesRead * MANY_TIMES) return "Its windows overlap much: a shorter window, or a rule that records it, costs less.";
  if (slow) return "It is slow: name labels that narrow it, choose a shorter range, or record the result as a rule.";
  return null;
}
