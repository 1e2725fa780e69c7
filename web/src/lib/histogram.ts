// Counts of rows over time, by a field: what the API gives and what a chart draws.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "preact/hooks";
import type { ChartSeries } from "../kit/chart/prepare";
import { get, type Query } from "./api";
import type { Table } from "./types";

export interface Histogram {
  step_s: number;
  buckets: (number | string)[];
  series: { value: string; counts: number[] }[];
  total: number;
}
const LEVELS = ["trace", "debug", "info", "unknown", "warning", "error", "fatal"];
const COLORS: Record<string, string> = {
  fatal: "--level-fatal",
  error: "--level-error",
  warning: "--level-warning",
  info: "--level-info",
  unknown: "--level-info",
};

const seconds = (t: number | string) => (typeof t === "number" ? t : Date.parse(t) / 1000);

/** Buckets and, per level, counts; the worst lie lowest, where a few are seen beside many. A count of none is a gap. */
export function levelSeries(h: Histogram): { x: number[]; series: ChartSeries[] } {
  const rank = (level: string) => LEVELS.indexOf(level);
  const series = [...h.series]
    .sort((a, b) => rank(b.value) - rank(a.value))
    .map((s): ChartSeries => ({ name: s.value || "none", values: s.counts.map((n) => (n === 0 ? null : n)), color: COLORS[s.value] ?? "--level-debug" }));
  return { x: h.buckets.map(seconds), series };
}

export function useHistogram(table: Table, params: Query, by = "level", buckets = 72) {
  const result = useQuery({
    queryKey: ["histogram", table, by, buckets, params],
    queryFn: ({ signal }) => get<Histogram>(`${table}/histogram`, { ...params, by, buckets }, signal),
    placeholderData: keepPreviousData,
  });
  const prepared = useMemo(() => (result.data ? levelSeries(result.data) : { x: [], series: [] }), [result.data]);
  return { ...result, ...prepared };
}
