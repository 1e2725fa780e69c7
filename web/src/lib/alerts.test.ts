import { describe, expect, it } from "vitest";
import { listRules, type Rule, ruleSince, splitLimit } from "./alerts";

const rule = (name: string, more: Partial<Rule> = {}): Rule => ({ name, query: "up == 0", type: "alerting", health: "ok", state: "inactive", ...more });

describe("rules", () => {
  it("stand with what is wrong first, otherwise as in their files", () => {
    const groups = [{ name: "g", file: "f.yml", interval: 5, rules: [rule("a"), rule("b", { state: "pending" }), rule("c", { state: "firing" }), rule("d", { health: "err" }), rule("e")] }];
    expect(listRules(groups).map((r) => `${r.name} ${r.shown}`)).toEqual(["c firing", "d error", "b pending", "a ok", "e ok"]);
  });
  it("have ids of their own though names repeat", () => {
    const groups = [{ name: "g", file: "f", interval: 5, rules: [rule("a"), rule("a")] }];
    expect(new Set(listRules(groups).map((r) => r.id)).size).toBe(2);
  });
  it("are in their state since its oldest alert", () => {
    const alert = (state: string, activeAt: string) => ({ labels: {}, annotations: {}, state, activeAt, value: "1" });
    expect(ruleSince(rule("a", { state: "firing", alerts: [alert("firing", "2026-01-02T00:00:00Z"), alert("pending", "2026-01-01T00:00:00Z"), alert("firing", "2026-01-01T12:00:00Z")] }))).toBe("2026-01-01T12:00:00Z");
    expect(ruleSince(rule("a"))).toBeNull();
  });
});

describe("a limit", () => {
  it("is what the last comparison holds against", () => {
    expect(splitLimit('sum(rate(x{a=">5"}[1m])) / y > 0.01')).toEqual({ expr: 'sum(rate(x{a=">5"}[1m])) / y', op: ">", value: 0.01 });
    expect(splitLimit("temp < -5")).toEqual({ expr: "temp", op: "<", value: -5 });
    expect(splitLimit("x >= 1e3")).toEqual({ expr: "x", op: ">=", value: 1000 });
  });
  it.each(["up == 0", "absent(up)", "a > 1 and b > 2", "sum(x > 5)", "x > bool 5", "a > b"])("is not found in %s", (query) => {
    expect(splitLimit(query)).toBeNull();
  });
});
