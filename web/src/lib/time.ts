// Time ranges. A relative range ("1h") stays relative in the address and is resolved at every refresh; an absolute one
// is two instants. All instants are Unix milliseconds; the API takes and gives RFC 3339.

export type Range = { kind: "relative"; text: string } | { kind: "absolute"; from: number; to: number };
export interface Span {
  start: number;
  end: number;
}

export const DEFAULT_RANGE: Range = { kind: "relative", text: "1h" };
export const QUICK_RANGES: readonly [text: string, label: string][] = [
  ["5m", "Last 5 minutes"],
  ["15m", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["6h", "Last 6 hours"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
];

const UNIT_MS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };
const LONGEST_MS = 400 * 86400e3;

/** "90m" → 5,400,000; null when it is not a duration or is out of bounds. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])$/.exec(text.trim().toLowerCase());
  if (!match) return null;
  const ms = Number(match[1]) * UNIT_MS[match[2]!]!;
  return ms > 0 && ms <= LONGEST_MS ? ms : null;
}

/** "250ms", "1.5s" or a bare number of milliseconds. */
export function readMs(text: string): number | null {
  const ms = /^(\d+(?:\.\d+)?)\s*(ms)?$/.exec(text.trim());
  return ms ? Number(ms[1]) : parseDuration(text);
}

/** The address's `range`, `from` and `to`; what does not parse falls back to the last hour. */
export function readRange(params: URLSearchParams): Range {
  const from = readInstant(params.get("from"));
  const to = readInstant(params.get("to"));
  if (from !== null && to !== null && from < to) return { kind: "absolute", from, to };
  const text = params.get("range");
  return text && parseDuration(text) !== null ? { kind: "relative", text: text.trim().toLowerCase() } : DEFAULT_RANGE;
}

/** What to put into the address for a range; null removes a parameter. */
export function rangeParams(range: Range): Record<"range" | "from" | "to", string | null> {
  if (range.kind === "relative") {
    const text = range.text === (DEFAULT_RANGE as { text: string }).text ? null : range.text;
    return { range: text, from: null, to: null };
  }
  return { range: null, from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
}

export function resolveRange(range: Range, now: number): Span {
  if (range.kind === "absolute") return { start: range.from, end: range.to };
  return { start: now - parseDuration(range.text)!, end: now };
}

/** An instant in the address: RFC 3339 or Unix seconds or milliseconds. */
export function readInstant(text: string | null): number | null {
  if (!text) return null;
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{12,13}$/.test(text)) return Number(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** What a person types into the range field: "90m", "last 2h", "2026-01-31 12:00 to 2026-01-31 13:00". */
export function parseTypedRange(text: string, zone: Zone): Range | null {
  const bare = text.trim().replace(/^last\s+/i, "").replace(/^-/, "");
  if (parseDuration(bare) !== null) return { kind: "relative", text: bare.toLowerCase().replace(/\s+/g, "") };
  const parts = text.split(/\s+(?:to|–|-|\/)\s+/i);
  if (parts.length !== 2) return null;
  const from = parseTyped(parts[0]!, zone);
  const to = parseTyped(parts[1]!, zone);
  return from !== null && to !== null && from < to ? { kind: "absolute", from, to } : null;
}

function parseTyped(text: string, zone: Zone): number | null {
  const plain = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?$/.exec(text.trim());
  if (!plain) return readInstant(text.trim());
  return readInstant(`${plain[1]}T${plain[2] ?? "00:00"}${zone === "utc" ? "Z" : ""}`);
}

/** Moves by half its length (negative: back); a relative range becomes absolute, and never runs past `now`. */
export function shiftRange(range: Range, direction: -1 | 1, now: number): Range {
  const { start, end } = resolveRange(range, now);
  const step = (end - start) / 2;
  const by = direction > 0 ? Math.min(step, now - end) : -step;
  if (by === 0) return range;
  return { kind: "absolute", from: start + by, to: end + by };
}

/** Twice as long around the same middle; ends at `now` when it did before. */
export function widenRange(range: Range, now: number): Range {
  const { start, end } = resolveRange(range, now);
  const length = Math.min((end - start) * 2, LONGEST_MS);
  if (range.kind === "relative") return { kind: "relative", text: shortDuration(length) };
  const to = Math.min(end + length / 4, now);
  return { kind: "absolute", from: to - length, to };
}

/** 5,400,000 → "90m": the largest unit that divides it. */
export function shortDuration(ms: number): string {
  for (const unit of ["d", "h", "m"]) if (ms % UNIT_MS[unit]! === 0) return `${ms / UNIT_MS[unit]!}${unit}`;
  return `${Math.max(1, Math.round(ms / 1000))}s`;
}

export function rangeLabel(range: Range, zone: Zone): string {
  if (range.kind === "relative") return QUICK_RANGES.find(([text]) => text === range.text)?.[1] ?? `Last ${range.text}`;
  const sameDay = formatDate(range.from, zone) === formatDate(range.to, zone);
  const end = sameDay ? formatTime(range.to, zone).slice(0, 5) : formatDateTime(range.to, zone).slice(0, 16);
  return `${formatDateTime(range.from, zone).slice(0, 16)} – ${end}`;
}

export type Zone = "local" | "utc";
const pad = (n: number, width = 2) => String(n).padStart(width, "0");

export function formatDate(ms: number, zone: Zone): string {
  const d = new Date(ms);
  return zone === "utc"
    ? `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`
    : `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
}
/** 12:01:04.421 */
export function formatTime(ms: number, zone: Zone, millis = false): string {
  const d = new Date(ms);
  const parts =
    zone === "utc" ? [d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()] : [d.getHours(), d.getMinutes(), d.getSeconds()];
  return parts.map((n) => pad(n)).join(":") + (millis ? `.${pad(d.getUTCMilliseconds(), 3)}` : "");
}
export const formatDateTime = (ms: number, zone: Zone) => `${formatDate(ms, zone)} ${formatTime(ms, zone)}`;

/** "12s", "5m", "3h", "4d", "7w" since `ms`; "now" within five seconds. */
export function age(ms: number, now: number): string {
  const s = Math.max(0, (now - ms) / 1000);
  if (s < 5) return "now";
  if (s < 60) return `${Math.floor(s)}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)}h`;
  if (s < 21 * 86400) return `${Math.floor(s / 86400)}d`;
  if (s < 730 * 86400) return `${Math.floor(s / 604800)}w`;
  return `${Math.floor(s / 31536000)}y`;
}
