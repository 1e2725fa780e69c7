// Counts of rows over time, by a field: what the API gives and what a chart draws.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "preact/hooks";
import type { ChartSeries } from "../kit/chart/prepare";
import { BUCKETS, histogramAsk, type RowParams } from "./asks";
import { asQuery } from "./query";
import type { Histogram, Table } from "./types";

const LEVELS = ["trace", "debug", "info", "unknown", "warning", "error", "fatal"];
const COLORS: Record<string, string> = {
  fatal: "--level-fatal",
  error: "--level-error",
  warning: "--level-warning",
  info: "--level-info",
  unknown: "--level-info",
};

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
  const prepared = useMemo(() => (result.data ? levelSeries(result.data) : { x: [], series: [] }), [result.data]);
  return { ...result, ...prepared };
}
