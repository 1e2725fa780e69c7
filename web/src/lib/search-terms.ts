// The search language of issues and traces (docs/search.md), as far as the browser has to know it: filters of other
// pages as terms of it, and the term someone is writing.
import type { Filter } from "./filters";

/** Fields of rows and of issues by the language's name for them. */
const KEYS: Record<string, string> = {
  event_count: "times_seen",
  user_count: "users",
  substatus: "is",
  user_id: "user.id",
  "url.full": "url",
  "http.request.method": "http.method",
};

/** Stars and quotation marks of a value are plain characters in a filter. */
export function quoteValue(value: string): string {
  if (/^[\w.\-@/]+$/.test(value)) return value;
  return `"${value.replace(/["\\*]/g, "\\$&")}"`;
}

/** A regular expression that is a text with anything at some places; null: it is more than that. */
function starred(pattern: string): string | null {
  const inner = pattern.replace(/^\^/, "").replace(/(?<!\\)\$$/, "");
  const pieces = inner.split(".*");
  if (pieces.some((p) => /[.*+?^${}()|[\]]/.test(p.replace(/\\./g, "")))) return null;
  const plain = pieces.map((p) => p.replace(/\\(.)/g, "$1").replace(/["\\*]/g, "\\$&")).join("*");
  return `"${pattern.startsWith("^") ? "" : "*"}${plain}${/(?<!\\)\$$/.test(pattern) ? "" : "*"}"`;
}

function term(f: Filter): string | null {
  const key = KEYS[f.field] ?? f.field;
  if (f.op === "~" || f.op === "!~") {
    const pattern = starred(f.value);
    return pattern && `${f.op === "!~" ? "!" : ""}${key}:${pattern}`;
  }
  if (f.op === "=" || f.op === "!=") return `${f.op === "!=" ? "!" : ""}${key}:${quoteValue(f.value)}`;
  return `${key}:${f.op}${f.value}`;
}

export interface Terms {
  text: string;
  /** What the language cannot say: regular expressions. */
  foreign: Filter[];
}
export function filterTerms(filters: readonly Filter[]): Terms {
  const terms = filters.map(term);
  return { text: terms.filter((t) => t !== null).join(" "), foreign: filters.filter((_, i) => terms[i] === null) };
}

/** A typed query together with filters. The typed one comes first, so that places in it stay what they are but for `shift`. */
export function withTerms(query: string, filters: readonly Filter[]): { query: string; shift: number } {
  const { text } = filterTerms(filters);
  const typed = query.trim();
  if (!text || !typed) return { query: typed || text, shift: 0 };
  return /\bOR\b/.test(typed) ? { query: `(${typed}) ${text}`, shift: 1 } : { query: `${typed} ${text}`, shift: 0 };
}

/** What stands before the caret: a key being written, or a value of `key`. */
export interface Writing {
  key: string | null;
  /** What is written of it. */
  text: string;
  /** Where in the query it begins. */
  at: number;
}
export function writing(query: string, caret: number): Writing {
  const before = query.slice(0, caret);
  const value = /(?:^|[\s(!])(?:tags\[([^\]]*)\]|([A-Za-z_][\w.\-/@]*)):(?:>=|<=|>|<)?(\[(?:[^\]]*[,[])?\s*)?("(?:[^"\\]|\\.)*|[^\s"(),[\]]*)$/.exec(before);
  if (value) {
    const text = value[4]!;
    return { key: value[1] ?? value[2]!, text: text.replace(/^"/, ""), at: caret - text.length };
  }
  const key = /(?:^|[\s(])!?([^\s"!():[\]]*)$/.exec(before);
  return { key: null, text: key?.[1] ?? "", at: caret - (key?.[1]?.length ?? 0) };
}
