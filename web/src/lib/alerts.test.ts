import { describe, expect, it } from "vitest";
import type { AlertRule } from "./log-rules";
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
  it("are of files and of those made here, which are known once and may be paused", () => {
    const made = (id: number, name: string, paused: boolean, state: string): AlertRule => ({
      id, project: 1, name, language: "logql", expr: "sum(count_over_time({} [5m])) > 1", for: "5m", keep_firing_for: "0s", interval: "1m", labels: { severity: "info" }, annotations: {}, receivers: [], paused, created_by: "ada",
      status: { state, health: "ok", last_error: "", last_evaluation: null, evaluation_seconds: 0, alerts: [{ state, labels: {}, annotations: {}, value: 3, active_at: "2026-01-31T12:00:00Z" }] },
    });
    const groups = [{ name: "g", file: "f", interval: 5, rules: [rule("a")] }, { name: "Many", file: "api", interval: 60, rules: [rule("Many", { origin: "api", id: 1 })] }];
    const listed = listRules(groups, [made(2, "Quiet", true, "inactive"), made(1, "Many", false, "firing")]);
    expect(listed.map((r) => `${r.name} ${r.shown} ${r.duration ?? 0}`)).toEqual(["Many firing 300", "a ok 0", "Quiet paused 300"]);
    expect(listed[0]).toMatchObject({ id: "made/1", since: "2026-01-31T12:00:00Z", language: "logql", query: "sum(count_over_time({} [5m])) > 1" });
    expect(listRules(groups).map((r) => r.name)).toEqual(["a"]);
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
