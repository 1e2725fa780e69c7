import { describe, expect, it } from "vitest";
import { pairs, readEvent, stackText } from "./event";

const frame = (name: string, more = {}) => ({ function: name, filename: "shop/cart.py", lineno: 10, in_app: true, ...more });

describe("an event", () => {
  it("shows the innermost frame of the outermost exception first", () => {
    const e = readEvent({
      exception: {
        values: [
          { type: "KeyError", value: "'x'", stacktrace: { frames: [frame("load")] } },
          { type: "CartError", value: "no x", mechanism: { type: "flask", handled: false }, stacktrace: { frames: [frame("main"), frame("total")] } },
        ],
      },
    });
    expect(e.thrown.map((t) => t.type)).toEqual(["CartError", "KeyError"]);
    expect(e.thrown[0]!.frames.map((f) => f.function)).toEqual(["total", "main"]);
    expect(e.thrown[0]!.handled).toBe(false);
    expect(stackText(e.thrown)).toBe("CartError: no x\n  at total (shop/cart.py:10)\n  at main (shop/cart.py:10)\ncaused by KeyError: 'x'\n  at load (shop/cart.py:10)");
  });
  it("numbers the lines of source around the one that ran", () => {
    const e = readEvent({ exception: [{ stacktrace: { frames: [frame("f", { pre_context: ["a", "b"], context_line: "c", post_context: ["d"] })] } }] });
    expect(e.thrown[0]!.frames[0]!.source).toEqual([
      { line: 8, text: "a", at: false },
      { line: 9, text: "b", at: false },
      { line: 10, text: "c", at: true },
      { line: 11, text: "d", at: false },
    ]);
  });
  it("falls back to the stack of the thread that crashed", () => {
    const e = readEvent({ threads: { values: [{ id: 1 }, { id: 2, crashed: true, stacktrace: { frames: [frame("boom")] } }] } });
    expect(e.thrown[0]!.frames[0]!.function).toBe("boom");
  });
  it("takes breadcrumbs with either kind of time", () => {
    const e = readEvent({ breadcrumbs: [{ timestamp: 1769860800, message: "a" }, { timestamp: "2026-01-31T12:00:00Z", category: "http", data: { url: "x" } }] });
    expect(e.crumbs.map((c) => c.time)).toEqual(["2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00Z"]);
    expect(e.crumbs[1]!.data).toEqual([["url", "x"]]);
  });
  it("reads headers and tags as objects or pairs", () => {
    expect(pairs([["Host", "h"], ["bad"], "worse", ["n", 1]])).toEqual([["Host", "h"], ["n", "1"]]);
    expect(pairs({ a: null, b: "", c: { d: [1] } })).toEqual([["c", '{"d":[1]}']]);
  });
});

describe("a payload of any shape", () => {
  const shapes: unknown[] = [null, undefined, 1, "x", [], [[]], true, { values: null }, { values: [null, 1, "x", [], {}] }, { a: { b: 1 } }, Infinity];
  const names = ["exception", "breadcrumbs", "request", "contexts", "user", "tags", "extra", "modules", "sdk", "threads", "stacktrace"];
  it("never throws and never makes anything but text", () => {
    for (const shape of shapes) {
      expect(readEvent(shape).thrown).toEqual([]);
      for (const name of names) {
        const e = readEvent({ [name]: shape });
        for (const t of e.thrown) for (const f of t.frames) expect(typeof f.function).toBe("string");
        for (const [k, v] of [...e.user, ...e.tags, ...e.extra]) expect([typeof k, typeof v]).toEqual(["string", "string"]);
      }
    }
  });
  it("keeps hostile text as it is", () => {
    const hostile = "<img src=x onerror=alert(1)>";
    expect(readEvent({ exception: [{ type: hostile, value: hostile }] }).thrown[0]).toMatchObject({ type: hostile, value: hostile });
  });
  it("names what would turn the reading direction around", () => {
    const source = [{ stacktrace: { frames: [frame("f", { context_line: "if (admin\u202e) {" })] } }];
    expect(readEvent({ exception: source }).thrown[0]!.frames[0]!.source[0]!.text).toBe("if (admin⟨U+202E⟩) {");
    expect(pairs({ a: "\u2066x" })).toEqual([["a", "⟨U+2066⟩x"]]);
  });
  it("shortens what is very long", () => expect(readEvent({ extra: { x: "y".repeat(100_000) } }).extra[0]![1].length).toBeLessThan(21_000));
});
