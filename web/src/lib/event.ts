// An event's payload as a client sent it, read without trusting its shape: whatever is not what it should be is left
// out, and everything that remains is text, numbers and lists that a page can show.

export interface Frame {
  function: string;
  file: string;
  module: string;
  line: number | null;
  column: number | null;
  inApp: boolean;
  /** Lines of source with their numbers; `at` is the one that ran. */
  source: { line: number | null; text: string; at: boolean }[];
  vars: [name: string, value: string][];
}
export interface Thrown {
  type: string;
  value: string;
  mechanism: string;
  handled: boolean | null;
  /** Innermost first, as one reads it. */
  frames: Frame[];
}
export interface Crumb {
  time: string;
  type: string;
  category: string;
  level: string;
  message: string;
  data: [string, string][];
}
export interface EventView {
  /** The exception that was thrown last first, its causes after it. */
  thrown: Thrown[];
  crumbs: Crumb[];
  request: { method: string; url: string; query: string; headers: [string, string][]; body: string } | null;
  user: [string, string][];
  tags: [string, string][];
  contexts: { name: string; fields: [string, string][] }[];
  extra: [string, string][];
  modules: [string, string][];
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
export function pairs(value: unknown): [string, string][] {
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.filter((p): p is [unknown, unknown] => Array.isArray(p) && p.length === 2).map(([k, v]) => [text(k), v])
    : Object.entries(object(value));
  return entries.filter(([k, v]) => k !== "" && v !== null && v !== undefined && v !== "").map(([k, v]) => [k, show(v)]);
}

function readFrame(raw: unknown): Frame {
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
    vars: pairs(f["vars"]).map(([name, value]) => [name, value.length > LONGEST_VAR ? `${value.slice(0, LONGEST_VAR)}…` : value]),
  };
}

const framesOf = (holder: unknown): Frame[] =>
  list(object(object(holder)["stacktrace"])["frames"]).map(readFrame).reverse();

function readThrown(payload: Json): Thrown[] {
  const thrown = list(payload["exception"]).map((raw): Thrown => {
    const e = object(raw);
    const mechanism = object(e["mechanism"]);
    return {
      type: text(e["type"]),
      value: text(e["value"]),
      mechanism: text(mechanism["type"]),
      handled: typeof mechanism["handled"] === "boolean" ? mechanism["handled"] : null,
      frames: framesOf(e),
    };
  });
  if (thrown.length > 0) return thrown.reverse();
  // A message without an exception may still carry a stack, of its own or of the thread that was running.
  const threads = list(payload["threads"]).map(object);
  const own = framesOf(payload);
  const frames = own.length > 0 ? own : framesOf(threads.find((t) => t["current"] === true || t["crashed"] === true) ?? threads[0]);
  return frames.length > 0 ? [{ type: "", value: "", mechanism: "", handled: null, frames }] : [];
}

function readCrumb(raw: unknown): Crumb {
  const c = object(raw);
  const time = c["timestamp"];
  return {
    time: typeof time === "number" && Number.isFinite(time) && Math.abs(time) < 8.64e12 ? new Date(time * 1000).toISOString() : text(time),
    type: text(c["type"]) || "default",
    category: text(c["category"]),
    level: text(c["level"]) || "info",
    message: text(c["message"]),
    data: pairs(c["data"]),
  };
}

export function readEvent(raw: unknown): EventView {
  const p = object(raw);
  const request = object(p["request"]);
  const contexts = Object.entries(object(p["contexts"]))
    .filter(([name]) => name !== "trace")
    .map(([name, value]) => ({ name, fields: pairs(value).filter(([k]) => k !== "type") }))
    .filter((c) => c.fields.length > 0);
  const query = request["query_string"];
  return {
    thrown: readThrown(p),
    crumbs: list(p["breadcrumbs"]).map(readCrumb),
    request:
      request["url"] === undefined && request["method"] === undefined
        ? null
        : {
            method: text(request["method"]) || "GET",
            url: text(request["url"]),
            query: typeof query === "string" ? query : pairs(query).map((kv) => kv.join("=")).join("&"),
            headers: pairs(request["headers"]),
            body: request["data"] === undefined || request["data"] === null ? "" : show(request["data"], 2),
          },
    user: pairs(p["user"]),
    tags: pairs(p["tags"]),
    contexts,
    extra: pairs(p["extra"]),
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
