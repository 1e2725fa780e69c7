import { describe as group, expect, it } from "vitest";
import { toggled } from "./Chart";
import { extent, grid, isolated, look, onGrid, parseValue, stack, yEnds } from "./prepare";
import { describe, stats, trend } from "./summary";
import { timeTicks } from "./ticks";
import { unitOfMetric } from "./units";

group("data", () => {
  it("lies on one grid, with gaps where nothing was measured", () => {
    const x = grid(100, 160, 15);
    expect(x).toEqual([100, 115, 130, 145, 160]);
    expect(onGrid([[100, "1"], [130.2, 3], [160, "NaN"]], x, 15)).toEqual([1, null, 3, null, null]);
    expect(onGrid([[40, 1], [400, 2]], x, 15)).toEqual([null, null, null, null, null]);
  });
  it("reads Prometheus' numbers; what cannot be drawn is a gap", () => {
    expect([parseValue("1e3"), parseValue("+Inf"), parseValue("-Inf"), parseValue("NaN")]).toEqual([1000, Infinity, -Infinity, null]);
    expect(onGrid([[0, "+Inf"]], [0], 1)).toEqual([null]);
  });
  it("stacks over gaps", () => {
    expect(stack([[1, null, null], [2, 3, null]])).toEqual([[1, null, null], [3, 3, null]]);
  });
  it("finds the points that no line reaches", () => {
    expect(isolated([1, null, 2, 3, null, 4])).toEqual([0, 5]);
  });
  it("gives each of 32 series a look of its own", () => {
    expect(new Set(Array.from({ length: 32 }, (_, i) => JSON.stringify(look(i)))).size).toBe(32);
  });
  it("shows zero unless the values are far from it", () => {
    expect(yEnds(3, 10)[0]).toBe(0);
    expect(yEnds(1000, 1010)[0]).toBeGreaterThan(900);
    expect(yEnds(5, 5)[1]).toBeGreaterThan(5);
    expect(yEnds(0, 0)).toEqual([0, 1.06]);
    expect(yEnds(...extent([]))).toEqual([0, 1.06]);
    expect(yEnds(0, 0.4, { max: 1 })).toEqual([0, 1]);
    expect(yEnds(-5, 5)[0]).toBeLessThan(-5);
  });
});

group("words", () => {
  it("counts only what is known", () => {
    expect(stats([null, 2, null, 4])).toEqual({ min: 2, max: 4, avg: 3, last: 4, known: 2 });
    expect(stats([null])).toBeNull();
  });
  it("tells a rise from noise", () => {
    expect(trend([1, 2, 3, 4, 5, 6, 7, 8])).toBe("rising");
    expect(trend([8, 7, 6, 5, 4, 3, 2, 1])).toBe("falling");
    expect(trend([5, 6, 5, 6, 5, 6, 5, 6])).toBe("steady");
    expect(trend([1000, 1001, 1002, 1003])).toBe("steady");
  });
  it("say what is drawn", () => {
    const text = describe("Requests", [{ name: "shop", values: [1, 2, 3, 4] }, { name: "api", values: [null] }], (v) => `${v}/s`);
    expect(text).toBe("Requests: 2 series. shop: latest 4/s, lowest 1/s, highest 4/s, rising. api: no data.");
    expect(describe("Requests", [], String)).toBe("Requests: no data.");
  });
});

it("names the day where a new one begins", () => {
  const day = Date.UTC(2026, 0, 31, 23, 30) / 1000;
  expect(timeTicks([day, day + 1800, day + 3600], 1800, "utc")).toEqual(["23:30", "02-01\n00:00", "00:30"]);
  expect(timeTicks([day], 86400, "utc")).toEqual(["01-31"]);
  expect(timeTicks([day + 5], 5, "utc")).toEqual(["23:30:05"]);
});

it("isolates by a click, all by a second, and takes away with a key held", () => {
  const series = ["a", "b", "c"].map((name) => ({ name, values: [] }));
  const one = toggled(series, new Set(), "b", false);
  expect([...one]).toEqual(["a", "c"]);
  expect([...toggled(series, one, "b", false)]).toEqual([]);
  expect([...toggled(series, one, "a", true)]).toEqual(["c"]);
  expect([...toggled(series, new Set(["a", "b"]), "c", true)]).toEqual([]);
});

it("reads a unit out of a metric's name", () => {
  expect(unitOfMetric("process_resident_memory_bytes")).toBe("bytes");
  expect(unitOfMetric("http_requests_total", true)).toBe("rate");
  expect(unitOfMetric("http_request_duration_seconds_bucket")).toBe("seconds");
  expect(unitOfMetric("net_bytes_total", true)).toBe("bytes/s");
  expect(unitOfMetric("cache_hit_ratio")).toBe("share");
  expect(unitOfMetric("up")).toBe("none");
});
