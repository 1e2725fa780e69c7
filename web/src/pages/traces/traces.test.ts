import { describe, expect, it } from "vitest";
import { readMs } from "../../lib/time";
import { dotSpan, nearest, placeDots } from "./Scatter";
import type { TraceSummary } from "./types";

const trace = (id: string, at: number, ms: number): TraceSummary => ({
  trace_id: id, start: new Date(at).toISOString(), duration_ms: ms, root_name: "", root_service: "", span_count: 1, error_count: 0, services: [], issue_ids: [],
});

it("reads durations as people write them", () => {
  expect(["250ms", "250", "1.5s", "2m", "", "soon"].map(readMs)).toEqual([250, 250, 1500, 120_000, null, null]);
});

describe("the scatter", () => {
  const { dots } = placeDots([trace("short", 0, 1), trace("long", 500, 1000), trace("outside", 5000, 10)], { start: 0, end: 1000 }, 200, 100);
  it("puts longer ones higher and leaves out what lies outside", () => {
    expect(dots.map((d) => [d.trace.trace_id, Math.round(d.x), Math.round(d.y)])).toEqual([["short", 0, 94], ["long", 100, 6]]);
  });
  it("finds the nearest within reach", () => {
    expect(nearest(dots, 97, 8)?.trace.trace_id).toBe("long");
    expect(nearest(dots, 50, 50)).toBeNull();
  });
  it("covers the time of a list that was cut off", () => {
    const range = { start: 0, end: 100_000 };
    expect(dotSpan([trace("a", 90_000, 1), trace("b", 80_000, 1)], range, true)).toEqual({ start: 80_000, end: 100_000 });
    expect(dotSpan([trace("a", 90_000, 1)], range, false)).toEqual(range);
    expect(dotSpan([], range, true)).toEqual(range);
  });
  it("stands equal durations", () => {
    expect(placeDots([trace("a", 1, 5)], { start: 0, end: 10 }, 100, 100).dots[0]!.y).toBeGreaterThan(0);
    expect(placeDots([], { start: 0, end: 10 }, 100, 100).dots).toEqual([]);
  });
});
