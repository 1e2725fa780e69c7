// An event's payload as a client sent it, read without trusting its shape: whatever is not what it should be is left
// out, and everything that remains is text, numbers and lists that a page can show.

import { type Note, metaAt, noteOf } from "./remarks";

/** A name, a value as text, and what was masked in it. */
export type Pair = [name: string, value: string, note?: Note | null];

export interface Frame {
  function: string;
  file: string;
  module: string;
  line: number | null;
  column: number | null;
  inApp: boolean;
  /** Lines of source with their numbers; `at` is the one that ran. */
  source: { line: number | null; text: string; at: boolean }[];
  vars: Pair[];
}
export interface Thrown {
  type: string;
  value: string;
  mechanism: string;
  handled: boolean | null;
  note?: Note | null;
  /** Innermost first, as one reads it. */
  frames: Frame[];
}
export interface Crumb {
  time: string;
  type: string;
  category: string;
  level: string;
  message: string;
  note?: Note | null;
  data: Pair[];
}
export interface EventView {
  /** The exception that was thrown last first, its causes after it. */
  thrown: Thrown[];
  crumbs: Crumb[];
  request: { method: string; url: string; query: string; headers: Pair[]; body: string; urlNote?: Note | null; queryNote?: Note | null; bodyNote?: Note | null } | null;
  user: Pair[];
  tags: Pair[];
  contexts: { name: string; fields: Pair[] }[];
  extra: Pair[];
  modules: Pair[];
  sdk: string;
}

type Json = Record<string, unknown>;
const isObject = (v: unknown): v is Json => typeof v === "object" && v !== null && !Array.isArray(v);
const object = (v: unknown): Json => (isObject(v) ? v : {});
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : isObject(v) && Array.isArray(v["values"]) ? v["values"] : []);

/** Characters that turn the reading direction around make source look like other source: they are named instead. */
const TURNING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
export const visible = (s: string) => s.replace(TURNING, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase()}⟩`);
const text = (v: unknown): string => (typeof v === "string" ? visible(v) : typeof v === "number" || typeof v === "boolean" ? String(v) : "");
const number = (v: unknown): number | null => (typeof v === "number" && Number.isFinite(v) ? v : null);

const LONGEST = 20_000;
const LONGEST_VAR = 1_000;
/** Any value as one line of text; strings as they are. */
export function show(value: unknown, indent = 0): string {
  const full = visible(typeof value === "string" ? value : (JSON.stringify(value, null, indent) ?? ""));
  return full.length > LONGEST ? `${full.slice(0, LONGEST)}… (${full.length} characters)` : full;
}

/** An object's entries, or a list of pairs, as rows; empty values are left out. */
export function pairs(value: unknown, meta?: unknown): Pair[] {
  const entries: [string, unknown, unknown][] = Array.isArray(value)
    ? value.flatMap((p, i) => (Array.isArray(p) && p.length === 2 ? [[text(p[0]), p[1], metaAt(meta, i, 1)] as [string, unknown, unknown]] : []))
    : Object.entries(object(value)).map(([k, v]) => [k, v, metaAt(meta, k)]);
  return entries
    .filter(([k, v]) => k !== "" && v !== null && v !== undefined && v !== "")
    .map(([k, v, about]) => {
      const note = about === undefined ? null : noteOf(about, typeof v === "object");
      return note ? [k, show(v), note] : [k, show(v)];
    });
}

function readFrame(raw: unknown, meta?: unknown): Frame {
  const f = object(raw);
  const line = number(f["lineno"]);
  const before = list(f["pre_context"]).map(text);
  const after = list(f["post_context"]).map(text);
  const source: Frame["source"] = before.map((t, i) => ({ line: line === null ? null : line - before.length + i, text: t, at: false }));
  if (typeof f["context_line"] === "string") source.push({ line, text: text(f["context_line"]), at: true });
  after.forEach((t, i) => source.push({ line: line === null ? null : line + 1 + i, text: t, at: false }));
  return {
    function: text(f["function"]),
    file: text(f["filename"]) || text(f["abs_path"]),
    module: text(f["module"]),
    line,
    column: number(f["colno"]),
    inApp: f["in_app"] === true,
    source: source.some((s) => s.at) ? source : [],
    vars: pairs(f["vars"], metaAt(meta, "vars")).map(([name, value, note]) => [name, value.length > LONGEST_VAR ? `${value.slice(0, LONGEST_VAR)}…` : value, note]),
  };
}

/** The tree beside a list that may stand under `values`. */
const metaOfList = (value: unknown, meta: unknown) => (Array.isArray(value) ? meta : metaAt(meta, "values"));

const framesOf = (holder: unknown, meta?: unknown): Frame[] =>
  list(object(object(holder)["stacktrace"])["frames"])
    .map((f, i) => readFrame(f, metaAt(meta, "stacktrace", "frames", i)))
    .reverse();

function readThrown(payload: Json): Thrown[] {
  const meta = metaOfList(payload["exception"], metaAt(payload["_meta"], "exception"));
  const thrown = list(payload["exception"]).map((raw, i): Thrown => {
    const e = object(raw);
    const mechanism = object(e["mechanism"]);
    return {
      type: text(e["type"]),
      value: text(e["value"]),
      mechanism: text(mechanism["type"]),
      handled: typeof mechanism["handled"] === "boolean" ? mechanism["handled"] : null,
      note: noteOf(metaAt(meta, i, "value")),
      frames: framesOf(e, metaAt(meta, i)),
    };
  });
  if (thrown.length > 0) return thrown.reverse();
  // A message without an exception may still carry a stack, of its own or of the thread that was running.
  const threads = list(payload["threads"]).map(object);
  const own = framesOf(payload);
  const frames = own.length > 0 ? own : framesOf(threads.find((t) => t["current"] === true || t["crashed"] === true) ?? threads[0]);
  return frames.length > 0 ? [{ type: "", value: "", mechanism: "", handled: null, frames }] : [];
}

function readCrumb(raw: unknown, meta: unknown): Crumb {
  const c = object(raw);
  const time = c["timestamp"];
  return {
    time: typeof time === "number" && Number.isFinite(time) && Math.abs(time) < 8.64e12 ? new Date(time * 1000).toISOString() : text(time),
    type: text(c["type"]) || "default",
    category: text(c["category"]),
    level: text(c["level"]) || "info",
    message: text(c["message"]),
    note: noteOf(metaAt(meta, "message")),
    data: pairs(c["data"], metaAt(meta, "data")),
  };
}

export function readEvent(raw: unknown): EventView {
  const p = object(raw);
  const meta = p["_meta"];
  const request = object(p["request"]);
  const crumbsMeta = metaOfList(p["breadcrumbs"], metaAt(meta, "breadcrumbs"));
  const contexts = Object.entries(object(p["contexts"]))
    .filter(([name]) => name !== "trace")
    .map(([name, value]) => ({ name, fields: pairs(value, metaAt(meta, "contexts", name)).filter(([k]) => k !== "type") }))
    .filter((c) => c.fields.length > 0);
  const query = request["query_string"];
  return {
    thrown: readThrown(p),
    crumbs: list(p["breadcrumbs"]).map((c, i) => readCrumb(c, metaAt(crumbsMeta, i))),
    request:
      request["url"] === undefined && request["method"] === undefined
        ? null
        : {
            method: text(request["method"]) || "GET",
            url: text(request["url"]),
            query: typeof query === "string" ? query : pairs(query).map(([k, v]) => `${k}=${v}`).join("&"),
            headers: pairs(request["headers"], metaAt(meta, "request", "headers")),
            body: request["data"] === undefined || request["data"] === null ? "" : show(request["data"], 2),
            urlNote: noteOf(metaAt(meta, "request", "url")),
            queryNote: noteOf(metaAt(meta, "request", "query_string"), typeof query !== "string"),
            bodyNote: noteOf(metaAt(meta, "request", "data"), true),
          },
    user: pairs(p["user"], metaAt(meta, "user")),
    tags: pairs(p["tags"], metaAt(meta, "tags")),
    contexts,
    extra: pairs(p["extra"], metaAt(meta, "extra")),
    modules: pairs(p["modules"]),
    sdk: [text(object(p["sdk"])["name"]), text(object(p["sdk"])["version"])].filter(Boolean).join(" "),
  };
}

/** The whole trace as text, as one pastes it into a ticket. */
export function stackText(thrown: readonly Thrown[]): string {
  return thrown
    .map((t) => {
      const lines = t.frames.map((f) => `  at ${f.function || "?"} (${f.file}${f.line === null ? "" : `:${f.line}`})`);
      return [[t.type, t.value].filter(Boolean).join(": "), ...lines].join("\n");
    })
    .join("\ncaused by ");
}
