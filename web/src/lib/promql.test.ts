import { describe, expect, it } from "vitest";
import { chooseStep, isRated, metricIn, mostOf, rateWindow, readPosition, seriesNames } from "./promql";

describe("steps", () => {
  it("are round and give about 300 points", () => {
    expect([300e3, 3600e3, 86_400e3, 30 * 86_400e3].map((ms) => chooseStep(ms))).toEqual([1, 15, 300, 14_400]);
    expect(chooseStep(400 * 86_400e3, 10)).toBeGreaterThanOrEqual(604_800);
  });
  it("bound a rate's window from below", () => {
    expect([1, 15, 300, 14_400].map(rateWindow)).toEqual(["1m", "1m", "5m", "4h"]);
  });
});

describe("names of series", () => {
  it("are what tells them apart", () => {
    expect(seriesNames([{ __name__: "up", job: "a", env: "p" }, { __name__: "up", job: "b", env: "p" }], "q")).toEqual(["a", "b"]);
    expect(seriesNames([{ job: "a", status: "200" }, { job: "b", status: "500" }], "q")).toEqual(["job=a status=200", "job=b status=500"]);
    expect(seriesNames([{ __name__: "x", job: "a" }, { __name__: "y", job: "a" }], "q")).toEqual(["x", "y"]);
    expect(seriesNames([{}], "sum(up)")).toEqual(["sum(up)"]);
    expect(seriesNames([{ __name__: "up", job: "a" }], "q")).toEqual(["job=a"]);
    expect(seriesNames([], "q")).toEqual([]);
  });
});

it("finds where an error lies", () => {
  expect(readPosition("1:5: parse error: unexpected end of input", "foo(")).toEqual({ at: 4, words: "unexpected end of input" });
  expect(readPosition("2:3: parse error: no", "sum(\n  up")).toEqual({ at: 7, words: "no" });
  expect(readPosition("query timed out", "up")).toBeNull();
});

it("knows what a query is about", () => {
  expect(metricIn('sum by (le, job) (rate(http_seconds_bucket{job="up"}[5m]))')).toBe("http_seconds_bucket");
  expect(metricIn("histogram_quantile(0.95, sum(rate(x_bucket[1m])))")).toBe("x_bucket");
  expect(metricIn("1 + 1")).toBe("");
  expect([isRated("rate(x[1m])"), isRated("rate_total")]).toEqual([true, false]);
});

it("keeps the greatest series", () => {
  const m = (v: string) => ({ metric: { v }, values: [[1, v] as const] });
  expect(mostOf([m("1"), m("NaN"), m("7"), m("3")], 2).map((s) => s.metric["v"])).toEqual(["7", "3"]);
});
