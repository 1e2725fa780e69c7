import { describe, expect, it } from "vitest";
import { linesAround, previewSpans, recommended } from "./event-choice";
import { buildTrace } from "./trace";
import type { Row } from "./types";

const row = (payload: unknown, more: Partial<Row> = {}): Row => ({ time: "2026-01-01T00:00:00Z", message: "", level: "error", attributes: {}, payload, ...more }) as unknown as Row;
const frame = (more: object = {}) => ({ exception: { values: [{ type: "E", value: "v", stacktrace: { frames: [{ function: "f", in_app: true, ...more }] } }] } });

describe("the recommended event", () => {
  it("tells most", () => {
    const rows = [row({}), row(frame()), row({ ...frame({ vars: { a: 1 } }), request: { url: "/x", method: "GET" } }, { trace_id: "ab" }), row(frame())];
    expect(recommended(rows)).toBe(2);
  });
  it("is the newest of those that tell as much", () => {
    expect(recommended([row(frame()), row(frame())])).toBe(0);
  });
  it("is not one whose body was left out, unless there is no other", () => {
    const left = row(undefined, { attributes: { body_left_out: true } } as Partial<Row>);
    expect(recommended([left, row({})])).toBe(1);
    expect(recommended([left, left])).toBe(0);
    expect(recommended([])).toBe(-1);
  });
});

describe("lines around an error", () => {
  const lines = Array.from({ length: 40 }, (_, i) => ({ time: new Date(i * 1000).toISOString(), i }));
  const kept = (at: number, most = 8) => linesAround(lines, at * 1000, most).map((l) => l.i);
  it("are mostly those before it", () => expect(kept(20)).toEqual([15, 16, 17, 18, 19, 20, 21, 22]));
  it("stay within what there is", () => {
    expect(kept(-5)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(kept(99)).toEqual([32, 33, 34, 35, 36, 37, 38, 39].map((i) => i));
    expect(kept(3, 100)).toHaveLength(40);
  });
});

describe("the preview of a trace", () => {
  const span = (id: string, parent: string, ms: number, status = "ok"): Row =>
    ({
      time: "2026-01-01T00:00:00Z",
      message: id,
      level: "info",
      span_id: id,
      attributes: { parent_span_id: parent, duration_ns: ms * 1e6, "span.status": status },
    }) as unknown as Row;
  const spans = [span("root", "", 100), span("a", "root", 5), span("b", "a", 1), span("c", "root", 80), span("d", "root", 2, "internal_error"), span("e", "root", 30)];
  const ids = (at: string | undefined, most: number) => previewSpans(buildTrace(spans), at, most).map((n) => n.id);
  it("has the way to the error's span, what failed, and the longest, in the trace's order", () => {
    expect(new Set(ids("b", 5))).toEqual(new Set(["root", "a", "b", "d", "c"]));
    expect(ids("b", 5)[0]).toBe("root");
  });
  it("needs no span, and never shows more than asked for", () => {
    expect(new Set(ids(undefined, 3))).toEqual(new Set(["d", "root", "c"]));
    expect(ids("b", 2)).toEqual(["a", "b"]);
    expect(ids("nowhere", 50)).toHaveLength(spans.length);
  });
});
