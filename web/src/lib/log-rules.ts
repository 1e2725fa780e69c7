// Metrics made of log lines and alert rules made here: what the server says of them, and what the dialogs make.
import type { ActiveAlert } from "./alerts";
import { splitLimit } from "./alerts";
import { labelName } from "./logql";

export type Language = "logql" | "promql";
export type MetricKind = "counter" | "histogram" | "distinct";
export const METRIC_KINDS: readonly (readonly [MetricKind, string])[] = [
  ["counter", "How many lines"],
  ["histogram", "How large a number in them is"],
  ["distinct", "How many different values"],
];
export interface LogMetric {
  id: number;
  project: number;
  name: string;
  kind: MetricKind;
  query: string;
  description?: string;
  by?: string[];
  field?: string;
  conversion?: string;
  buckets?: number[];
  window?: string;
  created: string;
  series: string[];
  example: string;
  state: { series: number; matched: number; late: number; without_value: number; over_limit: number; last_match: string | null };
}
export interface AlertRule {
  id: number;
  project: number;
  name: string;
  language: Language;
  expr: string;
  for: string;
  keep_firing_for: string;
  interval: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  severity?: string;
  receivers: string[];
  paused: boolean;
  created_by: string;
  status: { state: string; health: string; last_error: string; last_evaluation: string | null; evaluation_seconds: number; alerts: (Omit<ActiveAlert, "activeAt" | "value"> & { value: number; active_at: string })[] };
}
export interface Receiver {
  name: string;
  type: string;
}
/** A duration that stands for none: the server's own interval, or at once. */
export const NONE = /^0+[a-z]*$/;
/** What is sent again to have back what was removed. */
export const metricBody = (m: LogMetric) => ({
  project: m.project, name: m.name, kind: m.kind, query: m.query,
  ...(m.description ? { description: m.description } : {}),
  ...(m.by?.length ? { by: m.by } : {}),
  ...(m.kind !== "counter" ? { field: m.field } : {}),
  ...(m.kind === "histogram" ? { conversion: m.conversion ?? "none", ...(m.buckets?.length ? { buckets: m.buckets } : {}) } : {}),
  ...(m.kind === "distinct" ? { window: m.window } : {}),
});
export const ruleBody = (r: AlertRule & { created?: string; updated?: string }) => {
  const { id: _id, status: _status, created_by: _by, created: _created, updated: _updated, ...body } = r;
  const { interval, ...rest } = body;
  return NONE.test(interval) ? rest : body;
};

/** What is sent to change a rule: the whole of what a person can change in its dialog, and what else annotations hold. */
export function changedRule(r: AlertRule, to: { name: string; expr: string; for: string; severity: string; summary: string; receivers: readonly string[] }) {
  const { summary: _summary, ...others } = r.annotations;
  const summary = to.summary.trim();
  return { name: to.name.trim(), expr: to.expr.trim(), for: to.for, severity: to.severity, annotations: summary ? { ...others, summary } : others, receivers: to.receivers };
}

export interface AlertDraft {
  language: Language;
  query: string;
  /** The query gives lines, which are counted. */
  lines: boolean;
  op: ">" | "<";
  limit: number;
  /** Over which lines are counted: "5m". */
  window: string;
  /** One alert for each value of this field; empty: one in all. */
  each: string;
}

/** What is compared with the limit. No lines at all is no value, which is under no limit: then it is none that counts. */
export function measuredBy(d: AlertDraft): string {
  const query = d.query.trim();
  if (!d.lines) return query;
  const counted = `count_over_time(${query} [${d.window}])`;
  if (d.each.trim()) return `sum by (${labelName(d.each.trim())}) (${counted})`;
  return d.op === "<" ? `(sum(${counted}) or vector(0))` : `sum(${counted})`;
}
/** A query of numbers that ends in a comparison says itself when it is true. */
export const hasLimit = (d: Pick<AlertDraft, "lines" | "query">) => !d.lines && splitLimit(d.query) !== null;
export function alertExpr(d: AlertDraft): string {
  if (hasLimit(d)) return d.query.trim();
  const measured = measuredBy(d);
  return `${d.lines ? measured : `(${measured})`} ${d.op} ${d.limit}`;
}
export const limitOf = (d: AlertDraft) => (hasLimit(d) ? splitLimit(d.query)! : { expr: measuredBy(d), op: d.op as string, value: d.limit });

const HOLDS: Record<string, (v: number, limit: number) => boolean> = { ">": (v, l) => v > l, "<": (v, l) => v < l, ">=": (v, l) => v >= l, "<=": (v, l) => v <= l };
/** How often it would have fired over what is shown: stretches over the limit that last at least `steps` steps. */
export function wouldFire(series: readonly (readonly (number | null)[])[], op: string, limit: number, steps: number): number {
  let times = 0;
  for (const values of series) {
    let run = 0;
    for (const v of values) {
      run = v !== null && HOLDS[op]!(v, limit) ? run + 1 : 0;
      if (run === steps + 1) times++;
    }
  }
  return times;
}

/** A name for a metric out of what is searched for. */
export function metricName(query: string): string {
  const word = /\|[=~]\s*"([^"]+)"/.exec(query)?.[1] ?? /="([^"]+)"/.exec(query)?.[1] ?? "lines";
  const bare = word.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40);
  return /^[a-z]/.test(bare) ? bare : `lines_${bare || "matched"}`;
}
export const listOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];
