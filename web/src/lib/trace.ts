// A trace as a tree: spans under their parents, in order of their start; the critical path; what of it is in sight.
// Spans may come without their parent, twice, or in a circle: each is shown once, and what hangs nowhere is a root.
import type { Row } from "./types";

export interface SpanNode {
  row: Row;
  id: string;
  depth: number;
  parent: number;
  /** How many spans lie under it. */
  under: number;
  /** Milliseconds since the trace's start. */
  start: number;
  end: number;
  name: string;
  op: string;
  service: string;
  failed: boolean;
  /** Errors recorded in this span. */
  errors: readonly Row[];
  /** Time in which nothing under it ran. */
  self: number;
  /** Pieces of its time that the whole trace waited for. */
  critical: [from: number, to: number][];
}
export interface Trace {
  /** In the order shown: each span before those under it. */
  nodes: SpanNode[];
  /** Unix milliseconds. */
  start: number;
  duration: number;
  /** By the time spent in them, most first. */
  services: { name: string; self: number; spans: number; failed: number }[];
  failed: number;
}

/** RFC 3339 to Unix milliseconds with their fraction. */
export function instant(time: string): number {
  const fraction = /\.(\d+)/.exec(time);
  const whole = Date.parse(fraction ? time.replace(fraction[0], "") : time);
  return whole + (fraction ? Number(`0.${fraction[1]}`) * 1000 : 0);
}
const FAILED = new Set(["error", "internal_error", "unknown_error", "unavailable", "unimplemented", "deadline_exceeded", "data_loss"]);
/** As the server counts it: a status that is the service's own fault, or an HTTP answer of 500 and more. */
export const spanFailed = (row: Row) =>
  FAILED.has(String(row.attributes["span.status"] ?? "")) || ["http.response.status_code", "http.status_code"].some((name) => Number(row.attributes[name]) >= 500);
const durationOf = (row: Row) => Math.max(0, Number(row.attributes["duration_ns"] ?? 0) / 1e6);

export function buildTrace(spans: readonly Row[], errors: readonly Row[] = []): Trace {
  const unique = [...new Map(spans.map((s, i) => [s.span_id || `#${i}`, s])).entries()].map(([id, row]) => ({ id, row, start: instant(row.time) }));
  unique.sort((a, b) => a.start - b.start || durationOf(b.row) - durationOf(a.row));
  const origin = unique[0]?.start ?? 0;
  const place = new Map(unique.map((s, i) => [s.id, i]));
  const children: number[][] = unique.map(() => []);
  const parents = unique.map((s, i) => {
    const parent = place.get(String(s.row.attributes["parent_span_id"] ?? ""));
    return parent === undefined || parent === i ? -1 : parent;
  });
  breakCircles(parents);
  const roots: number[] = [];
  parents.forEach((parent, i) => (parent < 0 ? roots : children[parent]!).push(i));

  const bySpan = new Map<string, Row[]>();
  for (const e of errors) if (e.span_id) bySpan.set(e.span_id, [...(bySpan.get(e.span_id) ?? []), e]);
  const nodes: SpanNode[] = [];
  const stack = roots.reverse().map((at) => ({ at, depth: 0, parent: -1 }));
  while (stack.length > 0) {
    const { at, depth, parent } = stack.pop()!;
    const { row, id, start } = unique[at]!;
    const index = nodes.length;
    nodes.push({
      row, id, depth, parent,
      under: 0,
      start: start - origin,
      end: start - origin + durationOf(row),
      name: row.message || "(no name)",
      op: String(row.attributes["span.op"] ?? row.attributes["span.kind"] ?? ""),
      service: row.service ?? "",
      failed: spanFailed(row),
      errors: bySpan.get(id) ?? [],
      self: 0,
      critical: [],
    });
    for (const child of [...children[at]!].reverse()) stack.push({ at: child, depth: depth + 1, parent: index });
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { parent, under } = nodes[i]!;
    if (parent >= 0) nodes[parent]!.under += under + 1;
  }
  const kids = childrenOf(nodes);
  nodes.forEach((n, i) => (n.self = selfTime(n, kids[i]!.map((k) => nodes[k]!))));
  markCritical(nodes, kids);
  return {
    nodes,
    start: origin,
    duration: nodes.reduce((most, n) => Math.max(most, n.end), 0),
    services: byService(nodes),
    failed: nodes.filter((n) => n.failed).length,
  };
}

/** Cuts each circle of parents at the span met first. */
function breakCircles(parents: number[]): void {
  const state = new Uint8Array(parents.length); // 1: on the way up from here, 2: known to reach a root
  for (let i = 0; i < parents.length; i++) {
    const path: number[] = [];
    let at = i;
    while (at >= 0 && state[at] === 0) {
      state[at] = 1;
      path.push(at);
      at = parents[at]!;
    }
    if (at >= 0 && state[at] === 1) parents[at] = -1;
    for (const p of path) state[p] = 2;
  }
}

function childrenOf(nodes: readonly SpanNode[]): number[][] {
  const kids: number[][] = nodes.map(() => []);
  nodes.forEach((n, i) => n.parent >= 0 && kids[n.parent]!.push(i));
  return kids;
}

/** A span's time minus the union of its children's. */
function selfTime(n: SpanNode, children: readonly SpanNode[]): number {
  let covered = 0;
  let reach = n.start;
  for (const c of children) {
    const from = Math.max(c.start, reach);
    const to = Math.min(c.end, n.end);
    if (to > from) {
      covered += to - from;
      reach = to;
    }
  }
  return Math.max(0, n.end - n.start - covered);
}

/** Walks back from each root's end: the child that ended last held the parent up; before it began, the one before it
    did; what no child covers is the span's own. A child that outlives its parent held nobody up after the parent's end. */
function markCritical(nodes: SpanNode[], kids: readonly number[][]): void {
  const work = nodes.flatMap((n, i) => (n.parent < 0 ? [{ at: i, until: n.end }] : []));
  while (work.length > 0) {
    const { at, until } = work.pop()!;
    const n = nodes[at]!;
    let cursor = Math.min(until, n.end);
    for (const k of [...kids[at]!].sort((a, b) => nodes[b]!.end - nodes[a]!.end)) {
      const c = nodes[k]!;
      const end = Math.min(c.end, n.end);
      if (end > cursor || c.start >= cursor || end <= n.start) continue;
      if (cursor > end) n.critical.push([end, cursor]);
      work.push({ at: k, until: end });
      cursor = Math.max(c.start, n.start);
    }
    if (cursor > n.start) n.critical.push([n.start, cursor]);
  }
}

function byService(nodes: readonly SpanNode[]): Trace["services"] {
  const found = new Map<string, Trace["services"][number]>();
  for (const n of nodes) {
    const s = found.get(n.service) ?? { name: n.service, self: 0, spans: 0, failed: 0 };
    s.self += n.self;
    s.spans++;
    if (n.failed) s.failed++;
    found.set(n.service, s);
  }
  return [...found.values()].sort((a, b) => b.self - a.self || b.spans - a.spans);
}

/** Indices of the spans in sight: all but those under a collapsed one. */
export function inSight(nodes: readonly SpanNode[], collapsed: ReadonlySet<string>): number[] {
  const out: number[] = [];
  for (let i = 0; i < nodes.length; i++) {
    out.push(i);
    if (collapsed.has(nodes[i]!.id)) i += nodes[i]!.under;
  }
  return out;
}

/** Spans whose name, service, operation, id or any value has the text. */
export function searchSpans(nodes: readonly SpanNode[], text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const has = (v: unknown) => String(v).toLowerCase().includes(wanted);
  return nodes.flatMap((n, i) => (has(n.name) || has(n.service) || has(n.op) || has(n.id) || Object.values(n.row.attributes).some(has) ? [i] : []));
}

/** The ids to unfold so that a span is in sight. */
export function pathTo(nodes: readonly SpanNode[], index: number): string[] {
  const ids: string[] = [];
  for (let at = nodes[index]?.parent ?? -1; at >= 0; at = nodes[at]!.parent) ids.push(nodes[at]!.id);
  return ids;
}

/** When an error of a span was recorded, in milliseconds since the trace's start. */
export const errorAt = (n: SpanNode, error: Row) => n.start + instant(error.time) - instant(n.row.time);

/** "2 of 14 spans failed. The longest own time: db in shop, 240ms." */
export function traceWords(trace: Trace, format: (ms: number) => string): string {
  const longest = trace.nodes.reduce<SpanNode | null>((most, n) => (!most || n.self > most.self ? n : most), null);
  if (!longest) return "No spans.";
  const failed = trace.failed ? `${trace.failed} of ${trace.nodes.length} spans failed.` : `${trace.nodes.length} spans, none failed.`;
  const where = longest.service ? `${longest.name} in ${longest.service}` : longest.name;
  return `${format(trace.duration)} in all. ${failed} Most time of its own: ${where}, ${format(longest.self)}.`;
}
