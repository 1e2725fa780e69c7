// Exemplars: single observations that a metric was counted with, each with labels of its own, a trace's id among them.
import type { Ask } from "./asks";
import { isRated } from "./promql";
import type { Span } from "./time";

export interface Exemplar {
  /** Unix seconds. */
  time: number;
  value: number;
  labels: Record<string, string>;
  /** Of the series it belongs to. */
  series: Record<string, string>;
  trace: string | null;
}
export interface ExemplarSeries {
  seriesLabels: Record<string, string>;
  exemplars: { labels: Record<string, string>; value: string; timestamp: number }[];
}

const TRACE_LABELS = ["trace_id", "traceID", "traceId", "TraceID", "trace.id"];
/** The trace an exemplar belongs to, as its page is called; null when it names none. */
export function traceOf(labels: Record<string, string>): string | null {
  const told = TRACE_LABELS.map((name) => labels[name]).find((v) => v !== undefined);
  const id = told?.toLowerCase().replace(/-/g, "") ?? "";
  return /^([0-9a-f]{16}|[0-9a-f]{32})$/.test(id) && !/^0+$/.test(id) ? id : null;
}

/** As many as can be told apart in a chart this wide: of each sixtieth of the range those with the highest values. */
export const MOST_EXEMPLARS = 120;
const PARTS = 60;
export function pickExemplars(series: readonly ExemplarSeries[], { start, end }: Span): Exemplar[] {
  const parts = new Map<number, Exemplar[]>();
  const seen = new Set<string>();
  for (const s of series) {
    for (const e of s.exemplars) {
      const at = { time: e.timestamp, value: Number(e.value), labels: e.labels, series: s.seriesLabels, trace: traceOf(e.labels) };
      if (!Number.isFinite(at.value) || at.time * 1000 < start || at.time * 1000 > end) continue;
      // A histogram's buckets may repeat one observation.
      const mark = `${at.time} ${at.value} ${JSON.stringify(at.labels)}`;
      if (seen.has(mark)) continue;
      seen.add(mark);
      const part = Math.floor(((at.time * 1000 - start) / Math.max(1, end - start)) * PARTS);
      parts.set(part, [...(parts.get(part) ?? []), at]);
    }
  }
  const each = MOST_EXEMPLARS / PARTS;
  return [...parts.values()].flatMap((list) => list.sort((a, b) => b.value - a.value).slice(0, each)).sort((a, b) => a.time - b.time);
}

/** Whether an exemplar's value is of the kind the query draws: a rate of a counter is not. */
export const drawsObservations = (expr: string) => /\bhistogram_(quantile|avg)\s*\(/.test(expr) || !isRated(expr) && !/\b(increase|count|count_over_time|changes|resets)\s*\(/.test(expr);

/** A query without a selector, such as `1 + 1`, has none. */
export const mayHaveExemplars = (expr: string) => /[A-Za-z_:{]/.test(expr.replace(/"(?:\\.|[^"\\])*"/g, ""));

export const exemplarsAsk = (expr: string, { from, to }: { from: number; to: number }): Ask<ExemplarSeries[]> => ({
  key: ["exemplars", expr, from, to],
  path: "/api/v1/query_exemplars",
  query: { query: expr, start: from, end: to },
  read: (a: { data: ExemplarSeries[] }) => a.data,
});
