// What a server or an SDK has masked in an event, as the event's own `_meta` tells it: a tree like the event's, in which
// the remarks about a value stand under the key "". https://develop.sentry.dev/sdk/data-model/event-payloads/

export interface Remark {
  rule: string;
  /** s replaced, m masked, x removed, p hashed. */
  what: string;
  /** In characters of the text as it is; null: the whole value. */
  begin: number | null;
  end: number | null;
}
export interface Note {
  remarks: Remark[];
  /** Characters before. */
  length: number | null;
}

type Json = Record<string, unknown>;
const isObject = (v: unknown): v is Json => typeof v === "object" && v !== null && !Array.isArray(v);
const whole = (v: unknown): number | null => (typeof v === "number" && Number.isInteger(v) && v >= 0 ? v : null);
const MOST = 50;

/** The part of the tree that belongs to a value. */
export function metaAt(meta: unknown, ...path: (string | number)[]): unknown {
  let node = meta;
  for (const step of path) {
    const name = String(step);
    if (!isObject(node) || name === "" || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return node;
}

function own(node: unknown): Note | null {
  const told = isObject(node) && Object.hasOwn(node, "") ? node[""] : undefined;
  if (!isObject(told)) return null;
  const remarks = (Array.isArray(told["rem"]) ? told["rem"] : [])
    .filter((r): r is unknown[] => Array.isArray(r) && typeof r[0] === "string" && typeof r[1] === "string")
    .slice(0, MOST)
    .map((r): Remark => ({ rule: String(r[0]), what: String(r[1]), begin: whole(r[2]), end: whole(r[3]) }));
  return remarks.length > 0 ? { remarks, length: whole(told["len"]) } : null;
}

function below(node: unknown, found: Remark[], depth: number): void {
  if (!isObject(node) || depth > 32 || found.length >= MOST) return;
  const note = own(node);
  if (note) found.push(...note.remarks.map((r) => ({ ...r, begin: null, end: null })));
  for (const [name, child] of Object.entries(node)) if (name !== "") below(child, found, depth + 1);
}

/** About the value itself, or, when it is shown as one text though it has parts, about all of these. */
export function noteOf(meta: unknown, parts = false): Note | null {
  if (!parts) return own(meta);
  const found: Remark[] = [];
  below(meta, found, 0);
  return found.length > 0 ? { remarks: found.slice(0, MOST), length: null } : null;
}

const WHAT: Record<string, string> = { s: "replaced", m: "masked", x: "removed", p: "hashed", e: "encrypted", a: "marked" };
export const ruleName = (rule: string) => rule.replace(/^[@!]/, "").replaceAll("_", " ");

export function explain(remark: Remark, length: number | null): string {
  const what = WHAT[remark.what] ?? "changed";
  const by = remark.rule === "!config" ? "by the SDK's settings" : `by rule ${ruleName(remark.rule)}`;
  return `Redacted ${by}: ${what}${length !== null && remark.begin !== null ? `; the value had ${length} characters` : ""}`;
}

export interface Piece {
  text: string;
  remark: Remark | null;
}
/** The text cut where remarks begin and end; what is about the whole value marks all of it. */
export function piecesOf(text: string, note: Note): Piece[] {
  const characters = [...text];
  const placed = note.remarks
    .filter((r): r is Remark & { begin: number; end: number } => r.begin !== null && r.end !== null && r.begin < r.end && r.end <= characters.length)
    .sort((a, b) => a.begin - b.begin);
  if (placed.length === 0) return [{ text, remark: note.remarks[0] ?? null }];
  const out: Piece[] = [];
  let at = 0;
  for (const remark of placed) {
    if (remark.begin < at) continue;
    if (remark.begin > at) out.push({ text: characters.slice(at, remark.begin).join(""), remark: null });
    out.push({ text: characters.slice(remark.begin, remark.end).join(""), remark });
    at = remark.end;
  }
  if (at < characters.length) out.push({ text: characters.slice(at).join(""), remark: null });
  return out;
}
