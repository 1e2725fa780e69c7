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

const seconds = new Map<string, number>();
const MOST_SECONDS = 4096;
/** RFC 3339 (UTC) to Unix milliseconds with their fraction. Spans of a trace share few seconds, each read once. */
export function instant(time: string): number {
  const upTo = time.indexOf(".");
  const second = upTo < 0 ? time : time.slice(0, upTo);
  let whole = seconds.get(second);
  if (whole === undefined) {
    whole = Date.parse(upTo < 0 ? time : `${second}${time.slice(upTo).replace(/^\.\d+/, "")}`);
    if (seconds.size >= MOST_SECONDS) seconds.clear();
    seconds.set(second, whole);
  }
  return upTo < 0 ? whole : whole + parseFloat(time.slice(upTo)) * 1000;
}
const FAILED = new Set(["error", "internal_error", "unknown_error", "unavailable", "unimplemented", "deadline_exceeded", "data_loss"]);
/** As the server counts it: a status that is the service's own fault, or an HTTP answer of 500 and more. */
export const spanFailed = (row: Row) =>
  FAILED.has(String(row.attributes["span.status"] ?? "")) || Number(row.attributes["http.response.status_code"]) >= 500 || Number(row.attributes["http.status_code"]) >= 500;
const durationOf = (row: Row) => Math.max(0, Number(row.attributes["duration_ns"] ?? 0) / 1e6);

interface Placed {
  id: string;
  row: Row;
  start: number;
  took: number;
}
const NONE: readonly never[] = [];

export function buildTrace(spans: readonly Row[], errors: readonly Row[] = []): Trace {
  const unique = placed(spans);
  const origin = unique[0]?.start ?? 0;
  const place = new Map<string, number>();
  for (let i = 0; i < unique.length; i++) place.set(unique[i]!.id, i);
  const parents = unique.map((s, i) => {
    const parent = place.get(String(s.row.attributes["parent_span_id"] ?? ""));
    return parent === undefined || parent === i ? -1 : parent;
  });
  breakCircles(parents);
  const roots: number[] = [];
  const children = childrenOf(parents, roots);

  const bySpan = new Map<string, Row[]>();
  for (const e of errors) if (e.span_id) bySpan.set(e.span_id, [...(bySpan.get(e.span_id) ?? []), e]);
  const nodes: SpanNode[] = [];
  const kids: (number[] | null)[] = [];
  const stack = roots.reverse().map((at) => ({ at, depth: 0, parent: -1 }));
  while (stack.length > 0) {
    const { at, depth, parent } = stack.pop()!;
    const { row, id, start, took } = unique[at]!;
    const index = nodes.length;
    nodes.push({
      row, id, depth, parent,
      under: 0,
      start: start - origin,
      end: start - origin + took,
      name: row.message || "(no name)",
      op: String(row.attributes["span.op"] ?? row.attributes["span.kind"] ?? ""),
      service: row.service ?? "",
      failed: spanFailed(row),
      errors: bySpan.get(id) ?? NONE,
      self: 0,
      critical: [],
    });
    kids.push(null);
    if (parent >= 0) (kids[parent] ??= []).push(index);
    const below = children[at];
    if (below) for (let k = below.length - 1; k >= 0; k--) stack.push({ at: below[k]!, depth: depth + 1, parent: index });
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { parent, under } = nodes[i]!;
    if (parent >= 0) nodes[parent]!.under += under + 1;
  }
  for (let i = 0; i < nodes.length; i++) nodes[i]!.self = selfTime(nodes, i, kids[i] ?? NONE);
  markCritical(nodes, kids);
  return {
    nodes,
    start: origin,
    duration: nodes.reduce((most, n) => Math.max(most, n.end), 0),
    services: byService(nodes),
    failed: nodes.filter((n) => n.failed).length,
  };
}

/** Each span once (what came last of it), by its start; of two that start together, the longer first. */
function placed(spans: readonly Row[]): Placed[] {
  const unique = new Map<string, Placed>();
  for (let i = 0; i < spans.length; i++) {
    const row = spans[i]!;
    const id = row.span_id || `#${i}`;
    unique.set(id, { id, row, start: instant(row.time), took: durationOf(row) });
  }
  return [...unique.values()].sort((a, b) => a.start - b.start || b.took - a.took);
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

/** Who lies under whom, in their order; those without a parent go into `roots`. */
function childrenOf(parents: readonly number[], roots: number[]): (number[] | null)[] {
  const children = new Array<number[] | null>(parents.length).fill(null);
  for (let i = 0; i < parents.length; i++) {
    const parent = parents[i]!;
    if (parent < 0) roots.push(i);
    else (children[parent] ??= []).push(i);
  }
  return children;
}

/** A span's time minus the union of its children's. */
function selfTime(nodes: readonly SpanNode[], at: number, kids: readonly number[]): number {
  const n = nodes[at]!;
  let covered = 0;
  let reach = n.start;
  for (const k of kids) {
    const c = nodes[k]!;
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
function markCritical(nodes: SpanNode[], kids: readonly (readonly number[] | null)[]): void {
  const work = nodes.flatMap((n, i) => (n.parent < 0 ? [{ at: i, until: n.end }] : []));
  while (work.length > 0) {
    const { at, until } = work.pop()!;
    const n = nodes[at]!;
    let cursor = Math.min(until, n.end);
    const below = kids[at] ?? NONE;
    for (const k of below.length > 1 ? [...below].sort((a, b) => nodes[b]!.end - nodes[a]!.end) : below) {
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
