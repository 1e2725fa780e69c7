import { describe, expect, it } from "vitest";
import { normalBase, withoutBase } from "../lib/base";
import { moveCursor } from "../lib/cursor";
import { readPrefs } from "../lib/prefs";
import { snippets } from "../lib/snippets";
import { readRecent } from "./palette-store";
import { routePattern } from "./routes";
import { returnPath } from "./session";

it("adds and takes away the path the UI lives under", () => {
  expect(["", "/", "/t/", "/a/b", "x", "//evil"].map(normalBase)).toEqual(["", "", "/t", "/a/b", "", ""]);
  expect(withoutBase("/t/logs", "/t")).toBe("/logs");
  expect(withoutBase("/t", "/t")).toBe("/");
  expect(withoutBase("/traces", "/t")).toBe("/traces");
});

describe("routes", () => {
  it("are known by their pattern", () => {
    expect(["/", "/issues", "/issues/7", "/traces/ab12", "/settings", "/settings/storage", "/nowhere", "/issues/7/x"].map(routePattern)).toEqual([
      "/", "/issues", "/issues/:id", "/traces/:id", "/settings", "/settings", "other", "other",
    ]);
  });
});

describe("the way back after signing in", () => {
  it("stays inside", () => {
    expect(returnPath("/logs?q=x")).toBe("/logs?q=x");
    for (const bad of [null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-in?next=/sign-in", "/setup"]) expect(returnPath(bad)).toBe("/");
  });
});

it("reads preferences of any shape", () => {
  expect(readPrefs('{"theme":"dark","density":"compact","zone":"utc","refresh":10}')).toEqual({ theme: "dark", density: "compact", zone: "utc", refresh: 10 });
  for (const text of [null, "", "no json", "[]", "null", '{"theme":"<b>","refresh":-1}']) expect(readPrefs(text)).toEqual({ theme: "system", density: "comfortable", zone: "local", refresh: 30 });
});

it("keeps only recent items that lead into the UI", () => {
  const text = JSON.stringify([{ path: "/issues/1", title: "a", kind: "b" }, { path: "https://evil", title: "x" }, null, 7]);
  expect(readRecent(text)).toEqual([{ path: "/issues/1", title: "a", kind: "b" }]);
  expect(readRecent("{")).toEqual([]);
});

it("moves a cursor inside its list", () => {
  expect([moveCursor(-1, 1, 3), moveCursor(-1, -1, 3), moveCursor(2, 1, 3), moveCursor(0, -1, 3), moveCursor(5, 1, 0)]).toEqual([0, 2, 2, 0, -1]);
});

it("puts address, key and token into every snippet that needs them", () => {
  const all = snippets({ origin: "https://t.example", dsn: "https://key@t.example/1", token: "tok_1" });
  for (const s of all) {
    const text = s.steps.map((step) => step.text).join("\n");
    if (s.needsToken) expect(text).toContain("tok_1");
    if (s.needsToken) expect(text).toContain("https://t.example");
    if (s.id === "flask" || s.id === "node") expect(text).toContain("https://key@t.example/1");
  }
  expect(all.flatMap((s) => s.brings)).toEqual(expect.arrayContaining(["errors", "logs", "spans", "metrics"]));
});
