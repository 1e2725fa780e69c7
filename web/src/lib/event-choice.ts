// Which event of an issue is shown first, and what of its request stands beside it.
import { readEvent } from "./event";
import type { SpanNode, Trace } from "./trace";
import type { Row } from "./types";

/** How much an event tells: a stack with variables, the request, what came before, and where else to look. */
export function richness(row: Row): number {
  if (row.attributes["body_left_out"] === true) return -1;
  const event = readEvent(row.payload);
  const frames = event.thrown.flatMap((t) => t.frames);
  return (
    (frames.some((f) => f.inApp) ? 4 : frames.length > 0 ? 2 : 0) +
    (frames.some((f) => f.vars.length > 0) ? 2 : 0) +
    (event.request ? 2 : 0) +
    (event.crumbs.length > 0 ? 1 : 0) +
    (event.user.length > 0 ? 1 : 0) +
    (row.trace_id ? 2 : row.request_id ? 1 : 0)
  );
}

/** The one that tells most; of several the newest. `rows`: newest first. -1 of none. */
export function recommended(rows: readonly Row[]): number {
  let best = -1;
  let most = -2;
  rows.forEach((row, i) => {
    const rich = richness(row);
    if (rich > most) [best, most] = [i, rich];
  });
  return best;
}

/** `most` lines around the moment `at` (Unix ms), mostly before it; `rows` in order of time. */
export function linesAround<T extends { time: string }>(rows: readonly T[], at: number, most: number): T[] {
  if (rows.length <= most) return [...rows];
  const after = rows.findIndex((r) => Date.parse(r.time) > at);
  const turn = after < 0 ? rows.length : after;
  const from = Math.max(0, Math.min(turn - Math.ceil((most * 3) / 4), rows.length - most));
  return rows.slice(from, from + most);
}

/** Spans that say where a trace's time went: the way down to `span`, those that failed, then the longest; in the
 * trace's order. */
export function previewSpans(trace: Trace, span: string | undefined, most: number): SpanNode[] {
  const chosen = new Set<number>();
  const way: number[] = [];
  for (let i = trace.nodes.findIndex((n) => n.id === span); i >= 0; i = trace.nodes[i]!.parent) way.unshift(i);
  const order = trace.nodes.map((_, i) => i);
  const longest = [...order].sort((a, b) => trace.nodes[b]!.end - trace.nodes[b]!.start - (trace.nodes[a]!.end - trace.nodes[a]!.start));
  // Of a long way its end counts: that is where the error was.
  for (const i of [...way.slice(-most), ...order.filter((i) => trace.nodes[i]!.failed), ...longest]) {
    if (chosen.size >= most) break;
    chosen.add(i);
  }
  return order.filter((i) => chosen.has(i)).map((i) => trace.nodes[i]!);
}
