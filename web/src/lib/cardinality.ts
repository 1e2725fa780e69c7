// Where series come from: what /api/v1/status/tsdb tells of a range, held against the range a day before, and what can
// be done about too many. A selection is a PromQL selector, as everywhere.
import { TOP_BEFORE } from "./asks";
import { percent, plural } from "./format";

export interface NamedCount {
  name: string;
  value: number;
}
export interface TsdbStatus {
  headStats: { numSeries: number; numLabelPairs: number };
  seriesCountByMetricName: NamedCount[];
  labelValueCountByLabelName: NamedCount[];
  seriesCountByLabelValuePair: NamedCount[];
  seriesCountByLabelName: NamedCount[];
  /** Of the label that was asked for. */
  seriesCountByFocusLabelValue?: NamedCount[];
}
export interface Share extends NamedCount {
  /** Of all that are selected, 0 to 1. */
  share: number;
  /** How many more than a day before; null when that is not known. */
  more: number | null;
}
/** Counts with their share of `total` and with what they were before, when `before` is all there was or has them. */
export function shares(now: readonly NamedCount[], total: number, before?: readonly NamedCount[]): Share[] {
  const known = new Map(before?.map((b) => [b.name, b.value]));
  const complete = before !== undefined && before.length < TOP_BEFORE;
  return now.map(({ name, value }) => {
    const was = known.get(name) ?? (complete ? 0 : null);
    return { name, value, share: total > 0 ? Math.min(1, value / total) : 0, more: was === null ? null : value - was };
  });
}

/** "job=shop" in its two parts; a value may hold more of them. */
export function pairOf(text: string): { label: string; value: string } {
  const at = text.indexOf("=");
  return at < 0 ? { label: text, value: "" } : { label: text.slice(0, at), value: text.slice(at + 1) };
}

const quote = (value: string) => `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
const nameText = (name: string) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quote(name));
export const matcherText = (label: string, value: string) => `${nameText(label)}=${quote(value)}`;

/** A selector with one more matcher: the selection that a click leads to. */
export function narrowed(select: string, label: string, value: string): string {
  const matcher = matcherText(label, value);
  const text = select.trim();
  if (text === "") return `{${matcher}}`;
  if (!text.endsWith("}")) return `${text}{${matcher}}`;
  const inside = text.slice(0, -1).trimEnd();
  if (inside.replace(/\s/g, "").endsWith(matcher.replace(/\s/g, ""))) return text;
  return `${inside}${inside.endsWith("{") || inside.endsWith(",") ? "" : ", "}${matcher}}`;
}

/** The metric that a selection is of, when it is of one. */
export function metricOf(select: string): string {
  const named = /__name__\s*=\s*"((?:[^"\\]|\\.)*)"/.exec(select);
  if (named) return named[1]!.replace(/\\(.)/g, "$1");
  return /^\s*([A-Za-z_:][A-Za-z0-9_:]*)\s*(?:\{|$)/.exec(select)?.[1] ?? "";
}

const regexText = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
// Single quotes: YAML reads nothing in them but the quote itself.
const yaml = (text: string) => (/^[A-Za-z_][A-Za-z0-9_:]*$/.test(text) ? text : `'${text.replace(/'/g, "''")}'`);
/** Relabelling that removes a label of one metric, or of all. */
export function dropLabelYaml(label: string, metric: string): string {
  if (metric === "") return `metric_relabel_configs:\n  - action: labeldrop\n    regex: ${yaml(regexText(label))}\n`;
  return `metric_relabel_configs:\n  - source_labels: [__name__]\n    regex: ${yaml(regexText(metric))}\n    target_label: ${yaml(label)}\n    replacement: ''\n`;
}
export const dropMetricYaml = (metric: string) => `metric_relabel_configs:\n  - action: drop\n    source_labels: [__name__]\n    regex: ${yaml(regexText(metric))}\n`;

export interface Hint {
  label: string;
  text: string;
}
const MANY_VALUES = 50;
const NOT_DROPPED = new Set(["__name__", "le", "quantile", "job", "instance"]);
/** The label that multiplies series most, when one does: of many values, most of which stand in few series. */
export function worstLabel(status: TsdbStatus): Hint | null {
  const total = status.headStats.numSeries;
  const found = status.labelValueCountByLabelName.find((l) => !NOT_DROPPED.has(l.name) && l.value >= MANY_VALUES);
  if (!found || total === 0) return null;
  const carried = status.seriesCountByLabelName.find((l) => l.name === found.name)?.value;
  const part = carried === undefined ? "" : ` and stands in ${percent(carried / total)} of these series`;
  return { label: found.name, text: `has ${plural(found.value, "value")}${part}` };
}
