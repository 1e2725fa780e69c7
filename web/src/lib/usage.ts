// What became of what SDKs sent: kinds and categories in words, and the steps of the answer as bars.

export type UsageKind = "accepted" | "filtered" | "rate_limited" | "invalid" | "client";
export interface UsageStep {
  time: string;
  kind: UsageKind;
  category: string;
  quantity: number;
}
export interface UsageTotal {
  kind: UsageKind;
  category: string;
  reason: string;
  key: string;
  quantity: number;
}
export interface UsageAnswer {
  start: string;
  end: string;
  step: number;
  over_time: UsageStep[];
  totals: UsageTotal[];
}

export const KINDS: readonly (readonly [UsageKind, string])[] = [
  ["accepted", "accepted"],
  ["filtered", "filtered"],
  ["rate_limited", "over a limit"],
  ["invalid", "invalid"],
  ["client", "left out by clients"],
];

const CATEGORIES: Record<string, string> = {
  all: "Everything together",
  error: "Errors",
  transaction: "Transactions",
  span: "Spans",
  session: "Sessions",
  log_item: "Log lines",
  log_byte: "Bytes of log lines",
  trace_metric: "Metrics",
  monitor: "Check-ins",
  feedback: "Feedback",
  attachment: "Attachments",
  profile: "Profiles",
  profile_chunk: "Parts of profiles",
  security: "Reports of browsers",
  replay: "Replays",
  internal: "Reports of clients",
  default: "Other",
};
export const categoryName = (category: string) => CATEGORIES[category] ?? category.replaceAll("_", " ");
export const LIMITED = ["error", "transaction", "span", "log_item", "session", "monitor", "feedback", "attachment", "profile", "trace_metric", "security", "all"] as const;

const REASONS: Record<string, string> = {
  release: "its release",
  error_message: "its message",
  expected_error: "an error that is expected",
  health_check: "a health check",
  ip_address: "its address",
  localhost: "from the same machine",
  web_crawler: "a web crawler",
  legacy_browser: "an outdated browser",
  browser_extension: "a browser's extension",
  malformed: "not readable",
  duplicate: "sent again",
  ratelimit_backoff: "waiting for a limit to end",
  queue_overflow: "too much at once",
  sample_rate: "left out by the sample rate",
  before_send: "left out by the application",
  event_processor: "left out by the application",
  network_error: "the network failed",
  network_overflow: "the network was too slow",
  send_error: "refused by a server",
};
export const reasonName = (kind: UsageKind, reason: string) => (kind === "rate_limited" && reason ? `limit of ${reason}` : (REASONS[reason] ?? reason.replaceAll("_", " ")));

export interface UsageBar {
  time: number;
  counts: Record<UsageKind, number>;
  total: number;
}
const none = (): Record<UsageKind, number> => ({ accepted: 0, filtered: 0, rate_limited: 0, invalid: 0, client: 0 });

/** A bar for every step of the range, those without anything included. */
export function usageBars(answer: UsageAnswer, category: string): UsageBar[] {
  const step = answer.step * 1000;
  if (!(step > 0)) return [];
  const first = Math.floor(Date.parse(answer.start) / step) * step;
  const bars: UsageBar[] = [];
  for (let time = first; time < Date.parse(answer.end) && bars.length < 2000; time += step) bars.push({ time, counts: none(), total: 0 });
  for (const s of answer.over_time) {
    const bar = bars[Math.round((Date.parse(s.time) - first) / step)];
    if (!bar || (category && s.category !== category)) continue;
    bar.counts[s.kind] += s.quantity;
    bar.total += s.quantity;
  }
  return bars;
}

export interface UsageRow {
  category: string;
  counts: Record<UsageKind, number>;
  total: number;
}
/** One row a category, the largest first. */
export function usageRows(totals: readonly UsageTotal[]): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const t of totals) {
    const row = rows.get(t.category) ?? { category: t.category, counts: none(), total: 0 };
    row.counts[t.kind] += t.quantity;
    row.total += t.quantity;
    rows.set(t.category, row);
  }
  return [...rows.values()].sort((a, b) => b.total - a.total);
}

/** Why things were not kept, over all keys; the most frequent first. */
export function usageReasons(totals: readonly UsageTotal[], category: string): { kind: UsageKind; category: string; reason: string; quantity: number }[] {
  const found = new Map<string, { kind: UsageKind; category: string; reason: string; quantity: number }>();
  for (const t of totals) {
    if (t.kind === "accepted" || (category && t.category !== category)) continue;
    const name = `${t.kind} ${t.category} ${t.reason}`;
    const known = found.get(name);
    if (known) known.quantity += t.quantity;
    else found.set(name, { kind: t.kind, category: t.category, reason: t.reason, quantity: t.quantity });
  }
  return [...found.values()].sort((a, b) => b.quantity - a.quantity);
}
