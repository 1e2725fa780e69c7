// What the logs page knows of LogQL: the query that filters amount to, where one stands in a query while writing it,
// where an error lies.
import { isLogQuery } from "./asks";
import type { Filter } from "./filters";
import type { Matrix } from "./promql";

const quoted = (text: string) => JSON.stringify(text);
/** Names as LogQL spells them; the fixed columns have names of Loki's. */
const SPELLED: Record<string, string> = { service: "service_name", level: "detected_level" };
export const labelName = (field: string) => SPELLED[field] ?? field.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");

const MATCH: Partial<Record<Filter["op"], string>> = { "=": "=", "!=": "!=", "~": "=~", "!~": "!~" };
/** Fields that are labels of a stream: these narrow in the selector, all others in the pipeline. */
const INDEXED = new Set(["service"]);

/** The query that filters and a text amount to. A filter's expression is found anywhere in a value, LogQL's matches all of it. */
export function toLogql(filters: readonly Filter[], text: string): string {
  const selector: string[] = [];
  const stages: string[] = [];
  for (const f of filters) {
    const name = labelName(f.field);
    const match = MATCH[f.op];
    const value = f.op === "~" || f.op === "!~" ? `.*(?:${f.value}).*` : f.value;
    if (f.field === "message" && match) stages.push(f.op === "=" || f.op === "!=" ? `${f.op === "=" ? "|=" : "!="} ${quoted(f.value)}` : `${f.op === "~" ? "|~" : "!~"} ${quoted(f.value)}`);
    else if (match && INDEXED.has(f.field)) selector.push(`${name}${match}${quoted(value)}`);
    else if (match) stages.push(`| ${name}${match}${quoted(value)}`);
    else stages.push(`| ${name} ${f.op} ${/^-?[\d.]+[a-zµ]*$/i.test(f.value) ? f.value : quoted(f.value)}`);
  }
  const lines = text.trim() ? [`|= ${quoted(text.trim())}`] : [];
  // A selector must match something: every stream has a service.
  return [`{${selector.join(", ") || 'service_name=~".+"'}}`, ...lines, ...stages].join(" ");
}

/** A query narrowed by one value: at the end of its pipeline, before what makes numbers of it. */
export function narrowed(query: string, field: string, op: "=" | "!=", value: string): string | null {
  if (!isLogQuery(query)) return null;
  return `${query.trim()} | ${labelName(field)}${op}${quoted(value)}`;
}

/** Lines over time by a field, for the histogram above them. */
export const volumeOf = (query: string, stepS: number, field = "level") => `sum by (${labelName(field)}) (count_over_time(${query.trim()} [${stepS}s]))`;

/** "parse error at line 1, col 8: …" → where it is in the text, and the words alone. */
export function readLogqlPosition(message: string, text: string): { at: number; words: string } | null {
  const match = /at line (\d+), col(?:umn)? (\d+)\s*:\s*([\s\S]*)$/.exec(message);
  if (!match) return null;
  const before = text.split("\n").slice(0, Number(match[1]) - 1).reduce((sum, l) => sum + l.length + 1, 0);
  return { at: Math.max(0, Math.min(text.length, before + Number(match[2]) - 1)), words: match[3]!.trim() };
}

// ---- Where one stands

export interface Place {
  kind: "label" | "value" | "stage" | "field" | "grouping" | "function" | "none";
  /** Where the word begins that is being written. */
  from: number;
  /** Of a value: its label. */
  label?: string;
}

/** What may be written at the end of `text`. */
export function placeIn(text: string): Place {
  const word = /[A-Za-z_][\w.]*$/.exec(text)?.[0] ?? "";
  const from = text.length - word.length;
  const open = outsideOfText(text);
  if (open.quote >= 0) {
    const before = text.slice(0, open.quote);
    const label = /([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*$/.exec(before)?.[1];
    return label ? { kind: "value", from: open.quote + 1, label } : { kind: "none", from };
  }
  const bare = open.bare.slice(0, from);
  if (open.brace >= 0) return /[{,]\s*$/.test(bare) ? { kind: "label", from } : { kind: "none", from };
  if (/\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*,)?\s*$/.test(bare)) return { kind: "grouping", from };
  if (/\|\s*$/.test(bare)) return { kind: "stage", from };
  if (/\|\s*unwrap\s+$/.test(bare) || /\b(and|or)\s+$/.test(bare) || /\|\s*(drop|keep)\s+([\w,\s]*,\s*)?$/.test(bare)) return { kind: "field", from };
  if (/(^|[(,+*/%^-]|\bbool\b)\s*$/.test(bare)) return { kind: "function", from };
  return { kind: "none", from };
}

/** The text with its strings blanked, the quote that is open at its end, and the selector that is. */
function outsideOfText(text: string): { bare: string; quote: number; brace: number } {
  let bare = "";
  let quote = -1;
  let brace = -1;
  let sign = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote >= 0) {
      bare += " ";
      if (c === "\\" && sign === '"') {
        i++;
        bare += " ";
      } else if (c === sign) quote = -1;
    } else if (c === '"' || c === "`") {
      quote = i;
      sign = c;
      bare += "_"; // something that is no operator
    } else {
      if (c === "{") brace = i;
      if (c === "}") brace = -1;
      bare += c;
    }
  }
  return { bare, quote, brace };
}

export const STAGES: readonly [name: string, note: string, insert?: string][] = [
  ["json", "fields out of JSON"],
  ["logfmt", "fields out of key=value"],
  ["pattern", "fields by place", 'pattern "<_> <field>"'],
  ["regexp", "fields by named groups", 'regexp "(?P<field>\\\\w+)"'],
  ["unpack", "fields of packed lines"],
  ["line_format", "another line", 'line_format "{{.message}}"'],
  ["label_format", "rename or make a label", "label_format "],
  ["decolorize", "without colour codes"],
  ["drop", "without these labels", "drop "],
  ["keep", "only these labels", "keep "],
  ["unwrap", "a label's number", "unwrap "],
];
export const FUNCTIONS: readonly [name: string, note: string][] = [
  ["rate", "lines a second"],
  ["count_over_time", "lines in each step"],
  ["bytes_rate", "bytes a second"],
  ["bytes_over_time", "bytes in each step"],
  ["sum_over_time", "of unwrapped numbers"],
  ["avg_over_time", "of unwrapped numbers"],
  ["min_over_time", "of unwrapped numbers"],
  ["max_over_time", "of unwrapped numbers"],
  ["quantile_over_time", "of unwrapped numbers"],
  ["first_over_time", "of unwrapped numbers"],
  ["last_over_time", "of unwrapped numbers"],
  ["absent_over_time", "1 where there is no line"],
  ["sum", "over series"],
  ["avg", "over series"],
  ["min", "over series"],
  ["max", "over series"],
  ["count", "of series"],
  ["topk", "the highest series"],
  ["bottomk", "the lowest series"],
];

// ---- Answers

export type LokiData = { resultType: "streams"; result: unknown[] } | { resultType: "matrix"; result: Matrix[] } | { resultType: "vector"; result: { metric: Record<string, string>; value: [number, string] }[] };
