// Counts of rows over time, by a field: what the API gives and what a chart draws.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "preact/hooks";
import type { ChartSeries } from "../kit/chart/prepare";
import { BUCKETS, histogramAsk, type RowParams } from "./asks";
import { asQuery } from "./query";
import type { Histogram, Table } from "./types";

const LEVELS = ["trace", "debug", "info", "unknown", "warn", "warning", "error", "critical", "fatal"];
const COLORS: Record<string, string> = {
  fatal: "--level-fatal",
  error: "--level-error",
  critical: "--level-fatal",
  warn: "--level-warning",
  warning: "--level-warning",
  info: "--level-info",
  unknown: "--level-info",
};

/** A level's colour, and its place from the least to the worst. */
export const levelLook = (level: string) => ({ color: COLORS[level] ?? "--level-debug", rank: LEVELS.indexOf(level) });

/** Buckets and, per level, counts; the worst lie lowest, where a few are seen beside many. A count of none is a gap. */
export function levelSeries(h: Histogram): { x: number[]; series: ChartSeries[] } {
  const rank = (level: string) => LEVELS.indexOf(level);
  const series = [...h.series]
    .sort((a, b) => rank(b.value) - rank(a.value))
    .map((s): ChartSeries => ({ name: s.value || "none", values: s.counts.map((n) => (n === 0 ? null : n)), color: COLORS[s.value] ?? "--level-debug" }));
  return { x: h.buckets, series };
}

export function useHistogram(table: Table, params: RowParams, by = "level", buckets = BUCKETS) {
  const result = useQuery({ ...asQuery(histogramAsk(table, params, by, buckets)), placeholderData: keepPreviousData });
  const prepared = useMemo(() => {
    if (!result.data) return { x: [], series: [] };
    const { x, series } = levelSeries(result.data);
    // Levels have colours of their own; the values of any other field take the palette, the most frequent first.
    return by === "level" ? { x, series } : { x, series: result.data.series.map((s): ChartSeries => ({ name: s.others ? "others" : s.value || "none", values: s.counts.map((n) => n || null) })) };
  }, [result.data, by]);
  return { ...result, ...prepared };
}
