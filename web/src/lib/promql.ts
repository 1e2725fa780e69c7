// What the metrics page knows of PromQL: steps, names of series, where an error lies.
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
