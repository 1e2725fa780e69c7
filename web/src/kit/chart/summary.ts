// What a chart says to those who do not see it, and the figures of its legend.
import type { ChartSeries, Values } from "./prepare";

export interface Stats {
  min: number;
  max: number;
  avg: number;
  last: number;
  known: number;
}
export function stats(values: Values): Stats | null {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let known = 0;
  let last = NaN;
  for (const v of values) {
    if (v === null || v === undefined) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    last = v;
    known++;
  }
  return known ? { min, max, avg: sum / known, last, known } : null;
}

export type Trend = "rising" | "falling" | "steady";
/** The mean of the last quarter against that of the first: a difference under a tenth of the spread is none. */
export function trend(values: Values): Trend {
  const known = values.filter((v): v is number => v !== null && v !== undefined);
  const s = stats(known);
  if (!s || known.length < 4) return "steady";
  const part = Math.max(1, Math.floor(known.length / 4));
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const by = mean(known.slice(-part)) - mean(known.slice(0, part));
  if (Math.abs(by) <= Math.max((s.max - s.min) * 0.1, Math.abs(s.avg) * 0.02)) return "steady";
  return by > 0 ? "rising" : "falling";
}

const MOST = 6;
/** "Requests: 2 series. shop: latest 12/s, lowest 3/s, highest 20/s, rising. …" */
export function describe(title: string, series: readonly ChartSeries[], format: (v: number) => string): string {
  const lines = series.slice(0, MOST).map((s) => {
    const known = stats(s.values);
    if (!known) return `${s.name}: no data.`;
    return `${s.name}: latest ${format(known.last)}, lowest ${format(known.min)}, highest ${format(known.max)}, ${trend(s.values)}.`;
  });
  if (series.length === 0) return `${title}: no data.`;
  const rest = series.length > MOST ? ` And ${series.length - MOST} more; view as table for all.` : "";
  return `${title}: ${series.length} series. ${lines.join(" ")}${rest}`;
}
