// Filters: one model for every signal. In the address and in the API a filter is `where=FIELD OP VALUE` without spaces,
// repeated; typed text becomes filters as far as it has that form and stays a text search otherwise.

export const OPERATORS = ["!=", "!~", ">=", "<=", "=", "~", ">", "<"] as const;
export type Operator = (typeof OPERATORS)[number];
export interface Filter {
  field: string;
  op: Operator;
  value: string;
}

export const OPERATOR_WORDS: Record<Operator, string> = {
  "=": "is",
  "!=": "is not",
  "~": "matches",
  "!~": "does not match",
  ">": "over",
  ">=": "at least",
  "<": "under",
  "<=": "at most",
};

/** Field names of every signal: letters, digits, `_ . - / :`-free, so that the first operator ends the name. */
const FORM = /^([A-Za-z_][\w.\-/@]*)(!=|!~|>=|<=|=|~|>|<)([\s\S]*)$/;

export function parseFilter(text: string): Filter | null {
  const match = FORM.exec(text);
  if (!match || match[3] === "") return null;
  return { field: match[1]!, op: match[2] as Operator, value: match[3]! };
}
export const filterText = (f: Filter) => `${f.field}${f.op}${f.value}`;

export const readFilters = (params: URLSearchParams): Filter[] =>
  params.getAll("where").map(parseFilter).filter((f): f is Filter => f !== null);

export const sameFilter = (a: Filter, b: Filter) => a.field === b.field && a.op === b.op && a.value === b.value;

/** Adds a filter. `=` and `!=` on the same value exclude each other, and a field is equal to one value only. */
export function addFilter(filters: readonly Filter[], added: Filter): Filter[] {
  const kept = filters.filter((f) => {
    if (f.field !== added.field || sameFilter(f, added)) return f.field !== added.field;
    if (added.op === "=") return !(f.op === "=" || (f.op === "!=" && f.value === added.value));
    return !(added.op === "!=" && f.op === "=" && f.value === added.value);
  });
  return [...kept, added];
}
export const removeFilter = (filters: readonly Filter[], gone: Filter) => filters.filter((f) => !sameFilter(f, gone));

/** What was typed: `level=error "out of stock" user!=7 basket` → two filters and the text `out of stock basket`. */
export function parseTyped(text: string): { filters: Filter[]; rest: string } {
  const filters: Filter[] = [];
  const rest: string[] = [];
  for (const word of splitWords(text)) {
    const filter = word.quotedWhole ? null : parseFilter(word.text.replace(/^([A-Za-z_][\w.\-/@]*):(?=[^/])/, "$1="));
    if (filter) filters.push(filter);
    else if (word.text) rest.push(word.text);
  }
  return { filters, rest: rest.join(" ") };
}

interface Word {
  text: string;
  quotedWhole: boolean;
}
/** Splits at blanks outside double quotes; quotes are removed, `\"` is a quote. */
function splitWords(text: string): Word[] {
  const words: Word[] = [];
  let word = "";
  let quoted = false;
  let started = false;
  let whole = false;
  const push = () => {
    if (started) words.push({ text: word, quotedWhole: whole });
    word = "";
    started = whole = false;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\" && text[i + 1] === '"') {
      word += text[++i];
      started = true;
    } else if (c === '"') {
      if (!started) whole = true;
      quoted = !quoted;
      started = true;
    } else if (!quoted && /\s/.test(c)) {
      push();
    } else {
      if (!quoted && whole && started) whole = false;
      word += c;
      started = true;
    }
  }
  push();
  return words;
}
