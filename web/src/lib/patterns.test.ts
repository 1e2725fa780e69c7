import { expect, it } from "vitest";
import { patternOfValue, patternValue, saidBy } from "./patterns";

const WHERE = "message~(?s)^GET\\ \\/api\\/.+\\ 200\\ in\\ .+\\ ms$";

it("makes a filter of a pattern, and a pattern of the filter for people to read", () => {
  expect(patternValue(WHERE)).toBe(WHERE.slice("message~".length));
  expect(patternValue(WHERE.replace("~", "!~"))).toBe(WHERE.slice("message~".length));
  expect(patternOfValue(patternValue(WHERE))).toBe("GET /api/… 200 in … ms");
  expect(patternOfValue("(?s)^a\\x00b\\.c$")).toBe("a\0b.c");
  expect(patternOfValue("timeout|refused")).toBeNull();
});
it("cuts a long one where lines differ, so that it stays an expression", () => {
  const long = patternValue(`message~(?s)^${"x".repeat(900)}.+${"y".repeat(900)}.+z$`);
  expect(long).toBe(`(?s)^${"x".repeat(900)}`);
  const solid = patternValue(`message~(?s)^${"\\ ".repeat(2000)}$`);
  expect(solid.length).toBeLessThanOrEqual(1500);
  expect(solid.endsWith("\\")).toBe(false);
});
it("says what a JSON line's pattern says first", () => {
  expect(saidBy('{"level": "INFO", "message": "user <_> \\"x\\" left", "n": <_>}')[0]).toBe('user <_> \\"x\\" left');
  expect(saidBy("GET <_>")).toEqual(["GET <_>", ""]);
  expect(saidBy('{"a": 1}')).toEqual(['{"a": 1}', ""]);
});
