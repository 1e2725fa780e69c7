// What an axis counts, and how a value of it reads. One table for axes, legends, tooltips and summaries.
import { bytes, count, duration, percent, rate, significant } from "../../lib/format";

export type Unit = "count" | "seconds" | "milliseconds" | "bytes" | "share" | "rate" | "bytes/s" | "none";

const FORMATS: Record<Unit, (v: number) => string> = {
  count,
  none: (v) => (Math.abs(v) >= 10_000 ? count(v) : significant(v)),
  seconds: (v) => (v < 0 ? `-${duration(-v * 1000)}` : duration(v * 1000)),
  milliseconds: (v) => (v < 0 ? `-${duration(-v)}` : duration(v)),
  bytes,
  "bytes/s": (v) => `${bytes(v)}/s`,
  share: percent,
  rate,
};
export const formatOf = (unit: Unit) => FORMATS[unit];

const BINARY = Array.from({ length: 52 }, (_, i) => 2 ** i);
/** Steps between ticks: powers of two for bytes; elsewhere the chart's own decimal ones. */
export const ticksOf = (unit: Unit): number[] | undefined => (unit === "bytes" || unit === "bytes/s" ? BINARY : undefined);

/** What a metric's name says about its values, after Prometheus' naming rules. `rated` is per second of it. */
export function unitOfMetric(name: string, rated = false): Unit {
  const base = name.replace(/_(total|sum|bucket|count)$/, "");
  if (/_count$/.test(name)) return rated ? "rate" : "count";
  if (/_bytes$/.test(base)) return rated ? "bytes/s" : "bytes";
  if (/_seconds$/.test(base)) return rated && /_total$/.test(name) ? "none" : "seconds";
  if (/_(milliseconds|ms)$/.test(base)) return "milliseconds";
  if (/_ratio$/.test(base)) return "share";
  if (/_total$/.test(name)) return rated ? "rate" : "count";
  return "none";
}
