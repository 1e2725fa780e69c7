// A log line as people read it. Many programs write JSON; its message comes first, its other fields after it.
import type { AttrValue, Row } from "./types";

export interface Line {
  text: string;
  /** Fields of a JSON line without those that have a place of their own; empty for plain text. */
  fields: readonly [name: string, value: string][];
}
const MESSAGE = ["message", "msg", "event", "body", "log", "error"];
/** Shown in columns already, or the same for every line. */
const ELSEWHERE = new Set(["timestamp", "time", "ts", "@timestamp", "level", "severity", "lvl", "logger", "service", "environment", "release", "trace_id", "span_id", "request_id", "user_id", "hostname", "host", "pid"]);
const LONGEST = 64 * 1024;

export function readLine(message: string): Line {
  if (message.charCodeAt(0) !== 0x7b || message.length > LONGEST) return { text: message, fields: [] };
  try {
    const object = JSON.parse(message) as Record<string, unknown>;
    const name = MESSAGE.find((n) => typeof object[n] === "string");
    if (!name) return { text: message, fields: [] };
    const fields = Object.entries(object)
      .filter(([n, v]) => n !== name && !ELSEWHERE.has(n) && v !== null && v !== "")
      .map(([n, v]): [string, string] => [n, typeof v === "string" ? v : JSON.stringify(v)]);
    return { text: object[name] as string, fields };
  } catch {
    return { text: message, fields: [] };
  }
}

const read = new WeakMap<Row, Line>();
/** `readLine` of a row, once. */
export function lineOf(row: Row): Line {
  let line = read.get(row);
  if (!line) read.set(row, (line = readLine(row.message)));
  return line;
}

/** Fields that are the row's own, beside its attributes. */
export const OWN_FIELDS = ["level", "service", "environment", "release", "host", "transaction", "trace_id", "span_id", "request_id", "user_id"] as const;

export function fieldOf(row: Row, name: string): AttrValue | undefined {
  const own = (row as unknown as Record<string, AttrValue | undefined>)[name];
  if ((OWN_FIELDS as readonly string[]).includes(name) && own !== undefined) return own;
  return Object.hasOwn(row.attributes, name) ? row.attributes[name] : undefined;
}

/** Every field of a row, its own first, without repetition of what an own field says; a level only if one was set. */
export function allFields(row: Row): [string, string][] {
  const own = OWN_FIELDS.map((n): [string, AttrValue | undefined] => [n, fieldOf(row, n)]);
  const rest = Object.entries(row.attributes).filter(([n]) => !(OWN_FIELDS as readonly string[]).includes(n));
  return [...own, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))]
    .filter(([n, v]) => v !== undefined && v !== null && v !== "" && !(n === "level" && v === "unknown"))
    .map(([n, v]) => [n, String(v)]);
}
