// The metric browser: what there is to know of a metric, the ways to look at one, and the query that is chosen by clicks.
// A query that could have been chosen so is read back, so that the address of a query is that of the choice, too.
import type { Ask } from "./asks";

export type MetricKind = "counter" | "histogram" | "native" | "summary" | "gauge";
export interface About {
  type: string;
  help: string;
  unit: string;
}
export type Metadata = Record<string, About[]>;
const MOST_FAMILIES = 5000;
export const metadataAsk: Ask<Metadata> = { key: ["metric-metadata"], path: "/api/v1/metadata", query: { limit: MOST_FAMILIES, limit_per_metric: 1 }, read: (a: { data: Metadata }) => a.data };

/** What its sender says of a metric, by its own name or by its family's. */
export function aboutOf(name: string, metadata: Metadata | undefined): About | undefined {
  return metadata?.[name]?.[0] ?? metadata?.[name.replace(/_(total|bucket|sum|count|created)$/, "")]?.[0];
}

/** By what its sender says, and by Prometheus' naming rules where nobody says anything; what has no rule is a gauge. */
export function metricKind(name: string, about?: About): MetricKind {
  if (/_bucket$/.test(name)) return "histogram";
  if (/_(total|count|sum)$/.test(name)) return "counter";
  if (about?.type === "histogram") return "native";
  if (about?.type === "counter" || about?.type === "summary") return about.type;
  return "gauge";
}

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
  not?: boolean;
}
export interface Built {
  metric: string;
  kind: MetricKind;
  how: string;
  by: readonly string[];
  filters: readonly Matcher[];
}
type Way = readonly [how: string, label: string];
const OF_HISTOGRAM: readonly Way[] = [["p50", "Median"], ["p95", "95th percentile"], ["p99", "99th percentile"], ["rate", "How often"]];
const AS_STORED: Way = ["raw", "As stored"];
export const WAYS: Record<MetricKind, readonly Way[]> = {
  counter: [["rate", "Per second"], ["increase", "Increase"], AS_STORED],
  histogram: OF_HISTOGRAM,
  native: OF_HISTOGRAM,
  summary: [AS_STORED, ["max", "Highest"]],
  gauge: [AS_STORED, ["avg", "Mean"], ["max", "Highest"], ["min", "Lowest"], ["sum", "Sum"]],
};
/** The first way is the one that is offered, except that of a histogram the 95th percentile is. */
export const firstWay = (kind: MetricKind) => (kind === "histogram" || kind === "native" ? "p95" : WAYS[kind][0]![0]);

const quote = (value: string) => `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const labelText = (name: string) => (PLAIN.test(name) ? name : quote(name));
/** Keeps the count of a way that looks at a classic histogram to one of its buckets, which hold each observation of the lower ones, too. */
const ALL_OBSERVED: Matcher = { label: "le", value: "+Inf" };

/** The query for what was chosen; rates are over `window`. */
export function buildQuery(b: Built, window: string): string {
  const plain = /^[A-Za-z_:][A-Za-z0-9_:]*$/.test(b.metric);
  const how = b.how === "rate" || b.how === "increase";
  const filters = how && b.kind === "histogram" ? [...b.filters, ALL_OBSERVED] : b.filters;
  const matchers = filters.map((f) => `${labelText(f.label)}${f.not ? "!=" : "="}${quote(f.value)}`);
  const inside = plain ? matchers : [quote(b.metric), ...matchers];
  const selector = `${plain ? b.metric : ""}${inside.length > 0 ? `{${inside.join(", ")}}` : ""}`;
  const by = (labels: readonly string[]) => (labels.length > 0 ? ` by (${labels.map(labelText).join(", ")})` : "");
  if (how) {
    const rate = `${b.how}(${selector}[${window}])`;
    return `sum${by(b.by)} (${b.kind === "native" ? `histogram_count(${rate})` : rate})`;
  }
  if (/^p\d\d$/.test(b.how)) return `histogram_quantile(0.${b.how.slice(1)}, sum${by(b.kind === "native" ? b.by : ["le", ...b.by])} (rate(${selector}[${window}])))`;
  return b.how === "raw" ? selector : `${b.how}${by(b.by)} (${selector})`;
}

/** What was chosen, when the query is one that the browser writes; null for any other. */
export function readBuilt(expr: string, kindOf: (metric: string) => MetricKind): Built | null {
  const text = expr.trim();
  const quantile = /^histogram_quantile\(0\.(\d\d), sum(?: by \((.*?)\))? \(rate\((.*)\[(\w+)\]\)\)\)$/s.exec(text);
  const rated = /^sum(?: by \((.*?)\))? \((?:histogram_count\()?(rate|increase)\((.*)\[(\w+)\]\)\)?\)$/s.exec(text);
  const folded = /^(avg|max|min|sum)(?: by \((.*?)\))? \((.*)\)$/s.exec(text);
  const [how, by, selector, window] = quantile
    ? [`p${quantile[1]!}`, quantile[2], quantile[3]!, quantile[4]!]
    : rated
      ? [rated[2]!, rated[1], rated[3]!, rated[4]!]
      : folded
        ? [folded[1]!, folded[2], folded[3]!, ""]
        : ["raw", undefined, text, ""];
  const read = readSelector(selector);
  if (!read) return null;
  const kind = kindOf(read.metric);
  const filters = read.filters.filter((f) => !(kind === "histogram" && f.label === ALL_OBSERVED.label && f.value === ALL_OBSERVED.value));
  const labels = (by ? by.split(", ").map(unquoted) : []).filter((l) => !(quantile && kind === "histogram" && l === "le"));
  const built: Built = { metric: read.metric, kind, how, by: labels, filters };
  const known = WAYS[kind].some(([way]) => way === how);
  return known && buildQuery(built, window) === text ? built : null;
}

const unquoted = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c)) : text);

/** `name{label="value", other!="value"}` or `{"a name", …}`; null for what is written otherwise. */
function readSelector(text: string): { metric: string; filters: Matcher[] } | null {
  const whole = /^([A-Za-z_:][A-Za-z0-9_:]*)?(?:\{(.*)\})?$/s.exec(text);
  if (!whole) return null;
  let metric = whole[1] ?? "";
  const filters: Matcher[] = [];
  const part = /\s*(?:([A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")(=|!=))?("(?:[^"\\]|\\.)*")(?:,|$)/sy;
  const inside = whole[2] ?? "";
  while (part.lastIndex < inside.length) {
    const m = part.exec(inside);
    if (!m) return null;
    if (m[1] === undefined) metric = unquoted(m[3]!);
    else filters.push({ label: unquoted(m[1]), value: unquoted(m[3]!), ...(m[2] === "!=" ? { not: true } : {}) });
  }
  return metric === "" ? null : { metric, filters };
}
