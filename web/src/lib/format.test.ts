import { describe, expect, it } from "vitest";
import { bytes, count, duration, group, percent, rate, safeLink, shortId, significant } from "./format";

describe("figures", () => {
  it("shorten counts", () => {
    expect([0, 7, 999, 1234, 9999, 10_000, 12_345, 999_900, 1_234_567, 5e9].map((n) => count(n))).toEqual([
      "0", "7", "999", "1,234", "9,999", "10k", "12.3k", "1000k", "1.23M", "5G",
    ]);
    expect(count(null)).toBe("–");
    expect(count(NaN)).toBe("–");
    expect(group(1_234_567)).toBe("1,234,567");
  });
  it("keep three digits", () => expect([0, 12.345, 0.04567, 1234.5, 1.5, 99.96].map(significant)).toEqual(["0", "12.3", "0.0457", "1235", "1.5", "100"]));
  it("tell rates a second or, when slow, a minute", () => {
    expect(rate(8.234)).toBe("8.23/s");
    expect(rate(0.05)).toBe("3/min");
    expect(rate(0)).toBe("0/s");
    expect(rate(null)).toBe("–");
  });
  it("tell shares", () => {
    expect([0, 0.0123, 1, 0.00001, 0.5].map(percent)).toEqual(["0%", "1.23%", "100%", "< 0.01%", "50%"]);
    expect(percent(NaN)).toBe("–");
  });
  it("tell durations in the fitting unit", () => {
    expect([0, 0.00042, 0.42, 12.34, 999, 1500, 90_000, 3_600_000, 5_400_000, 90_000_000].map(duration)).toEqual([
      "0", "420ns", "420µs", "12.3ms", "999ms", "1.5s", "1m 30s", "1h", "1h 30m", "1d 1h",
    ]);
  });
  it("tell sizes", () => expect([0, 1023, 1536, 10 * 2 ** 30].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "10 GiB"]));
  it("shorten ids by their middle", () => expect(shortId("ac2664d1e0834a51ae34fb8191797401")).toBe("ac2664d1…7401"));
});

describe("links out of data", () => {
  it("are http(s) only", () => {
    expect(safeLink("https://example.com/a?b=1")).toBe("https://example.com/a?b=1");
    for (const bad of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//example.com", "/relative", "file:///etc/passwd", " java\nscript:alert(1)"]) {
      expect(safeLink(bad)).toBeNull();
    }
  });
});
