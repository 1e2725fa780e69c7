import { describe, expect, it } from "vitest";
import { duration } from "./format";
import { buildTrace, errorAt, inSight, instant, pathTo, searchSpans, spanFailed, traceWords } from "./trace";
import type { Row } from "./types";

const ORIGIN = Date.UTC(2026, 0, 31, 12);
function span(id: string, parent: string, start: number, ms: number, more: Partial<Row> = {}, attributes: Row["attributes"] = {}): Row {
  return {
    time: new Date(ORIGIN + start).toISOString(),
    message: id,
    level: "unknown",
    project: 1,
    span_id: id,
    service: "shop",
    ...more,
    attributes: { parent_span_id: parent, duration_ns: ms * 1e6, ...attributes },
  };
}
const shape = (rows: Row[]) => buildTrace(rows).nodes.map((n) => `${"  ".repeat(n.depth)}${n.id}`);

describe("the tree", () => {
  it("puts spans under their parents in order of start, whatever order they came in", () => {
    expect(shape([span("c", "a", 50, 10), span("d", "b", 12, 3), span("a", "", 0, 100), span("b", "a", 10, 20)])).toEqual(["a", "  b", "    d", "  c"]);
  });
  it("shows what has lost its parent, what is its own parent and what goes in a circle", () => {
    expect(shape([span("a", "gone", 0, 1), span("b", "b", 1, 1)])).toEqual(["a", "b"]);
    expect(shape([span("x", "z", 0, 9), span("y", "x", 1, 5), span("z", "y", 2, 1)])).toEqual(["x", "  y", "    z"]);
    expect(shape([])).toEqual([]);
  });
  it("shows a span sent twice once", () => {
    expect(shape([span("a", "", 0, 1), span("a", "", 0, 1)])).toEqual(["a"]);
  });
  it("is built from a chain of 10,000 without recursion", () => {
    const deep = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i ? `s${i - 1}` : "", i, 20_000 - 2 * i));
    const trace = buildTrace(deep);
    expect(trace.nodes[0]!.under).toBe(9999);
    expect(trace.nodes[9999]!.depth).toBe(9999);
  });
  it("leaves out what is collapsed, and unfolds on the way to a span", () => {
    const { nodes } = buildTrace([span("a", "", 0, 9), span("b", "a", 1, 3), span("c", "b", 1, 1), span("d", "a", 5, 1)]);
    expect(inSight(nodes, new Set()).length).toBe(4);
    expect(inSight(nodes, new Set(["b"])).map((i) => nodes[i]!.id)).toEqual(["a", "b", "d"]);
    expect(inSight(nodes, new Set(["a", "b"])).map((i) => nodes[i]!.id)).toEqual(["a"]);
    expect(pathTo(nodes, 2)).toEqual(["b", "a"]);
  });
});

describe("the critical path", () => {
  const pieces = (rows: Row[]) => Object.fromEntries(buildTrace(rows).nodes.map((n) => [n.id, n.critical.sort((a, b) => a[0] - b[0])]));
  it("goes through the child that ended last, then what ran before it", () => {
    expect(pieces([span("a", "", 0, 100), span("b", "a", 10, 30), span("c", "a", 20, 60), span("d", "a", 5, 10)])).toEqual({
      a: [[0, 5], [15, 20], [80, 100]],
      b: [],
      c: [[20, 80]],
      d: [[5, 15]],
    });
  });
  it("does not follow a child past its parent's end", () => {
    expect(pieces([span("a", "", 0, 50), span("b", "a", 40, 100)])).toEqual({ a: [[0, 40]], b: [[40, 50]] });
  });
  it("covers the root's time exactly", () => {
    let seed = 42;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const rows = [span("s0", "", 0, 1000)];
    for (let i = 1; i < 200; i++) {
      const parent = rows[Math.floor(random() * rows.length)]!;
      const from = instant(parent.time) - ORIGIN;
      const room = Number(parent.attributes["duration_ns"]) / 1e6;
      const start = Math.floor(from + random() * room * 0.5);
      rows.push(span(`s${i}`, parent.span_id!, start, Math.floor(random() * (from + room - start))));
    }
    const all = buildTrace(rows).nodes.flatMap((n) => n.critical);
    expect(all.reduce((sum, [a, b]) => sum + (b - a), 0), "seed 42").toBeCloseTo(1000, 3);
  });
});

it("counts own time without what overlapping children cover", () => {
  const { nodes, services } = buildTrace([span("a", "", 0, 100), span("b", "a", 10, 30, { service: "db" }), span("c", "a", 20, 40, { service: "db" })]);
  expect(nodes.map((n) => n.self)).toEqual([50, 30, 40]);
  expect(services).toEqual([
    { name: "db", self: 70, spans: 2, failed: 0 },
    { name: "shop", self: 50, spans: 1, failed: 0 },
  ]);
});

it("finds by name, service and value", () => {
  const { nodes } = buildTrace([span("a", "", 0, 9, { message: "GET /cart" }, { "http.url": "/Cart/7" }), span("b", "a", 1, 1, { service: "db" })]);
  expect(searchSpans(nodes, "cart")).toEqual([0]);
  expect(searchSpans(nodes, "DB")).toEqual([1]);
  expect(searchSpans(nodes, "  ")).toEqual([]);
});

it("tells failure from a status or an HTTP answer, as the server does", () => {
  expect(spanFailed(span("a", "", 0, 1, {}, { "http.status_code": "503" }))).toBe(true);
  expect(spanFailed(span("a", "", 0, 1, {}, { "http.response.status_code": 404, "span.status": "not_found" }))).toBe(false);
  expect(spanFailed(span("a", "", 0, 1, {}, { "span.status": "internal_error" }))).toBe(true);
  expect(["ok", "unset", ""].map((s) => spanFailed(span("a", "", 0, 1, {}, { "span.status": s })))).toEqual([false, false, false]);
  const error: Row = { ...span("e", "", 1, 0), span_id: "a", message: "boom" };
  const { nodes } = buildTrace([span("r", "", 0, 20), span("a", "r", 5, 9)], [{ ...error, time: new Date(ORIGIN + 8).toISOString() }]);
  expect(nodes.map((n) => n.errors.map((e) => errorAt(n, e)))).toEqual([[], [8]]);
});

it("keeps what lies under a millisecond", () => {
  expect(instant("2026-01-31T12:00:00.000250Z") - ORIGIN).toBeCloseTo(0.25, 3);
  expect(instant("2026-01-31T12:00:00Z")).toBe(ORIGIN);
});

it("says what took the time", () => {
  const trace = buildTrace([span("a", "", 0, 100), span("b", "a", 10, 80, { service: "db" }, { "span.status": "error" })]);
  expect(traceWords(trace, duration)).toBe("100ms in all. 1 of 2 spans failed. Most time of its own: b in db, 80ms.");
});
