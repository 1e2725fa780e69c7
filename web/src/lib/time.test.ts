import { describe, expect, it } from "vitest";
import { age, parseDuration, parseTypedRange, rangeLabel, rangeParams, readInstant, readRange, resolveRange, shiftRange, shortDuration, widenRange } from "./time";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const params = (text: string) => new URLSearchParams(text);

describe("durations", () => {
  it("reads numbers with a unit", () => {
    expect(parseDuration("90m")).toBe(5_400_000);
    expect(parseDuration(" 1.5H ")).toBe(5_400_000);
    expect(parseDuration("2w")).toBe(14 * 86_400_000);
  });
  it("refuses what is none, nothing, or too long", () => {
    for (const text of ["", "m", "-5m", "0m", "5", "5y", "1e3h", "999999w"]) expect(parseDuration(text)).toBeNull();
  });
  it("writes the largest unit that divides", () => {
    expect(shortDuration(5_400_000)).toBe("90m");
    expect(shortDuration(7_200_000)).toBe("2h");
    expect(shortDuration(86_400_000)).toBe("1d");
    expect(shortDuration(1500)).toBe("2s");
  });
});

describe("ranges in the address", () => {
  it("stay relative", () => {
    const range = readRange(params("range=6h"));
    expect(range).toEqual({ kind: "relative", text: "6h" });
    expect(rangeParams(range)).toEqual({ range: "6h", from: null, to: null });
    expect(resolveRange(range, NOW)).toEqual({ start: NOW - 6 * 3_600_000, end: NOW });
  });
  it("leave the default out", () => expect(rangeParams(readRange(params("")))).toEqual({ range: null, from: null, to: null }));
  it("are absolute with two instants, in that order, over a relative one", () => {
    const range = readRange(params("range=1h&from=2026-01-31T10:00:00Z&to=2026-01-31T11:00:00.500Z"));
    expect(range).toEqual({ kind: "absolute", from: NOW - 7_200_000, to: NOW - 3_599_500 });
    expect(readRange(params(new URLSearchParams(rangeParams(range) as Record<string, string>).toString().replace("range=null&", "")))).toEqual(range);
  });
  it("fall back to the last hour on rubbish", () => {
    for (const text of ["range=later", "from=2026-01-31T11:00:00Z&to=2026-01-31T10:00:00Z", "from=x&to=y", "from=2026-01-31T10:00:00Z"]) {
      expect(readRange(params(text))).toEqual({ kind: "relative", text: "1h" });
    }
  });
  it("take Unix seconds and milliseconds", () => {
    expect(readInstant("1769860800")).toBe(NOW);
    expect(readInstant("1769860800000")).toBe(NOW);
    expect(readInstant("12")).not.toBe(12_000);
  });
});

describe("moving a range", () => {
  it("goes back by half and becomes absolute", () =>
    expect(shiftRange({ kind: "relative", text: "1h" }, -1, NOW)).toEqual({ kind: "absolute", from: NOW - 5_400_000, to: NOW - 1_800_000 }));
  it("never runs past now", () => {
    const range = { kind: "absolute", from: NOW - 3_600_000, to: NOW - 600_000 } as const;
    expect(shiftRange(range, 1, NOW)).toEqual({ kind: "absolute", from: NOW - 3_000_000, to: NOW });
    expect(shiftRange({ kind: "relative", text: "1h" }, 1, NOW)).toEqual({ kind: "relative", text: "1h" });
  });
  it("widens around the middle", () => {
    expect(widenRange({ kind: "relative", text: "1h" }, NOW)).toEqual({ kind: "relative", text: "2h" });
    expect(widenRange({ kind: "absolute", from: NOW - 3_000_000, to: NOW - 1_000_000 }, NOW)).toEqual({ kind: "absolute", from: NOW - 4_000_000, to: NOW });
  });
});

describe("what people type", () => {
  it("understands a duration with or without words", () => {
    for (const text of ["90m", "last 90m", "-90m", "Last 90 m"]) expect(parseTypedRange(text, "utc")).toEqual({ kind: "relative", text: "90m" });
  });
  it("understands two dates", () =>
    expect(parseTypedRange("2026-01-31 10:00 to 2026-01-31 12:00", "utc")).toEqual({ kind: "absolute", from: NOW - 7_200_000, to: NOW }));
  it("refuses the rest", () => {
    for (const text of ["", "yesterday", "2026-01-31", "2026-01-31 12:00 to 2026-01-31 10:00"]) expect(parseTypedRange(text, "utc")).toBeNull();
  });
});

it("labels a range", () => {
  expect(rangeLabel({ kind: "relative", text: "1h" }, "utc")).toBe("Last hour");
  expect(rangeLabel({ kind: "relative", text: "90m" }, "utc")).toBe("Last 90m");
  expect(rangeLabel({ kind: "absolute", from: NOW - 3_600_000, to: NOW }, "utc")).toBe("2026-01-31 11:00 – 12:00");
});

it("tells ages", () => {
  const ages = [0, 4, 59, 60, 3599, 3600, 47 * 3600, 48 * 3600, 21 * 86400, 730 * 86400].map((s) => age(NOW - s * 1000, NOW));
  expect(ages).toEqual(["now", "now", "59s", "1m", "59m", "1h", "47h", "2d", "3w", "2y"]);
  expect(age(NOW + 60_000, NOW)).toBe("now");
});
