import { expect, it } from "vitest";
import { patternRegex, readPatterns } from "./patterns";

it("joins a pattern's levels, counts on one grid, the most frequent first", () => {
  const answers = [
    { pattern: "a <_>", level: "info", samples: [[10, 1], [19, 2]] },
    { pattern: "b", samples: [[10, 9]] },
    { pattern: "a <_>", level: "error", samples: [[0, 1], [99, 1]] },
  ] as never;
  const [b, a] = readPatterns(answers, 0, 20_000, 2);
  expect(b).toEqual({ text: "b", total: 9, share: 9 / 14, trend: [0, 9] });
  expect(a).toEqual({ text: "a <_>", total: 5, share: 5 / 14, trend: [1, 4] });
  expect(readPatterns([], 0, 1)).toEqual([]);
});
it("matches what has the pattern, whatever characters it is of", () => {
  for (const [pattern, line, other] of [
    ["GET /api/<_> 200 in <_> ms", "GET /api/cart/7 200 in 12 ms", "GET /api/cart/7 500 in 12 ms"],
    ["a.b*c (<_>) [x] {y} ^$ |\\ <_>", "a.b*c (1) [x] {y} ^$ |\\ z", "aXb*c (1) [x] {y} ^$ |\\ z"],
    ["<_> done", "job 5 done", "job 5 failed"],
  ] as const) {
    const regex = new RegExp(patternRegex(pattern));
    expect(regex.test(line), pattern).toBe(true);
    expect(regex.test(other), pattern).toBe(false);
  }
  expect(patternRegex(`${"x".repeat(500)} <_> ${"y".repeat(500)}`).length).toBeLessThan(620);
});
it("says what a JSON line's pattern says first", async () => {
  const { saidBy } = await import("../pages/logs/Patterns");
  expect(saidBy('{"level": "INFO", "message": "user <_> \\"x\\" left", "n": <_>}')[0]).toBe('user <_> \\"x\\" left');
  expect(saidBy("GET <_>")).toEqual(["GET <_>", ""]);
  expect(saidBy('{"a": 1}')).toEqual(['{"a": 1}', ""]);
});
