// What the metrics page knows of PromQL: steps, names of series, where an error lies, and the queries that the metric
// browser writes for people who do not.
import { STEPS } from "./step";

export { chooseStep } from "./step";
import { parseValue, type Point } from "../kit/chart/prepare";

export interface Matrix {
  metric: Record<string, string>;
  values: Point[];
}

/** The window of a rate: four scrapes at least, so that one lost scrape leaves no gap, and no shorter than a step. */
export function rateWindow(stepS: number): string {
  const s = STEPS.find((n) => n >= Math.max(60, stepS)) ?? stepS;
  return s % 3600 === 0 ? `${s / 3600}h` : s % 60 === 0 ? `${s / 60}m` : `${s}s`;
}

/** Names for series: the labels in which they differ, the metric's name where it is all there is. */
export function seriesNames(metrics: readonly Record<string, string>[], fallback: string): string[] {
  const first = metrics[0] ?? {};
  const differ = [...new Set(metrics.flatMap((m) => Object.keys(m)))].filter((n) => metrics.some((m) => m[n] !== first[n]));
  return metrics.map((m) => {
    const labels = (metrics.length > 1 ? differ : Object.keys(m)).filter((n) => n !== "__name__" && m[n] !== undefined);
    const words = labels.sort().map((n) => (labels.length === 1 && metrics.length > 1 ? m[n]! : `${n}=${m[n]!}`));
    const own = differ.includes("__name__") ? [m["__name__"] ?? ""] : [];
    return [...own, ...words].filter(Boolean).join(" ") || m["__name__"] || fallback;
  });
}

/** "1:5: parse error: …" → where it begins in the text, and the words alone. */
export function readPosition(message: string, text: string): { at: number; words: string } | null {
  const match = /^(?:invalid parameter "query": )?(\d+):(\d+): (?:parse error: )?([\s\S]*)$/.exec(message);
  if (!match) return null;
  const lines = text.split("\n");
  const line = Number(match[1]) - 1;
  const before = lines.slice(0, line).reduce((sum, l) => sum + l.length + 1, 0);
  return { at: Math.max(0, Math.min(text.length, before + Number(match[2]) - 1)), words: match[3]! };
}

export type MetricKind = "counter" | "histogram" | "gauge";
/** By Prometheus' naming rules; what has no rule is a gauge. */
export const metricKind = (name: string): MetricKind => (/_bucket$/.test(name) ? "histogram" : /_(total|count|sum)$/.test(name) ? "counter" : "gauge");

/** Names without those that come along with another: a histogram's sum and count, and when a counter was created. */
export function families(names: readonly string[]): string[] {
  const all = new Set(names);
  return names.filter((n) => {
    const base = n.replace(/_(sum|count|created)$/, "");
    if (base === n) return true;
    return !(all.has(`${base}_bucket`) || (n.endsWith("_created") && (all.has(`${base}_total`) || all.has(`${base}_count`))));
  });
}

export interface Matcher {
  label: string;
  value: string;
}
export interface Built {
  metric: string;
  how: string;
  by: readonly string[];
  filters: readonly Matcher[];
}
export const WAYS: Record<MetricKind, readonly (readonly [how: string, label: string])[]> = {
  counter: [["rate", "Per second"], ["increase", "Increase"], ["raw", "As stored"]],
  histogram: [["p50", "Median"], ["p95", "95th percentile"], ["p99", "99th percentile"], ["rate", "How often"]],
  gauge: [["raw", "As stored"], ["avg", "Mean"], ["max", "Highest"], ["sum", "Sum"]],
};
/** The first way is the one that is offered, except that of a histogram the 95th percentile is. */
export const firstWay = (kind: MetricKind) => (kind === "histogram" ? "p95" : WAYS[kind][0]![0]);

const quote = (value: string) => `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const labelText = (name: string) => (PLAIN.test(name) ? name : quote(name));

/** The query for what was chosen. */
export function buildQuery(b: Built, window: string): string {
  const plain = /^[A-Za-z_:][A-Za-z0-9_:]*$/.test(b.metric);
  const matchers = b.filters.map((f) => `${labelText(f.label)}=${quote(f.value)}`);
  const inside = plain ? matchers : [quote(b.metric), ...matchers];
  const selector = `${plain ? b.metric : ""}${inside.length > 0 ? `{${inside.join(", ")}}` : ""}`;
  const by = (labels: readonly string[]) => (labels.length > 0 ? ` by (${labels.map(labelText).join(", ")})` : "");
  switch (b.how) {
    case "rate":
    case "increase":
      return `sum${by(b.by)} (${b.how}(${selector}[${window}]))`;
    case "p50":
    case "p95":
    case "p99":
      return `histogram_quantile(0.${b.how.slice(1)}, sum${by(["le", ...b.by])} (rate(${selector}[${window}])))`;
    case "raw":
      return selector;
    default:
      return `${b.how}${by(b.by)} (${selector})`;
  }
}

/** Whether a query gives something per second, for its unit. */
export const isRated = (expr: string) => /\b(rate|irate|deriv)\s*\(/.test(expr);
/** The metric a query is mostly about: the first name that no parenthesis follows. */
export function metricIn(expr: string): string {
  const words = /\b(by|without|on|ignoring|group_left|group_right|and|or|unless|offset|bool)\b/;
  for (const m of expr.replace(/"(?:\\.|[^"\\])*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, " ").matchAll(/[A-Za-z_:][A-Za-z0-9_:]*(?!\s*\()\b/g)) {
    const end = (m.index ?? 0) + m[0].length;
    if (!words.test(m[0]) && !/^\s*\(/.test(expr.slice(end))) return m[0];
  }
  return "";
}

/** The greatest of many series: as many as can be told apart, by their last known value. */
export function mostOf(matrix: readonly Matrix[], limit: number): Matrix[] {
  if (matrix.length <= limit) return [...matrix];
  const last = (m: Matrix) => {
    const v = m.values.at(-1)?.[1];
    return typeof v === "string" ? (parseValue(v) ?? -Infinity) : (v ?? -Infinity);
  };
  return [...matrix].sort((a, b) => last(b) - last(a)).slice(0, limit);
}
