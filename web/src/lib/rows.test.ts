import { describe, expect, it } from "vitest";
import { columnsParam, DEFAULT_COLUMNS, readColumns, toggleColumn } from "./columns";
import { levelSeries } from "./histogram";
import { allFields, fieldOf, readLine } from "./message";
import { joinPages, nextInstant, nextPage } from "./page-rows";
import { readFrame, TailRing } from "./tail";
import type { Row } from "./types";

const row = (time: string, message = "m", more: Partial<Row> = {}): Row => ({ time, message, level: "info", project: 1, attributes: {}, ...more });
const at = (s: number) => `2026-01-31T12:00:${String(s).padStart(2, "0")}Z`;

describe("a line", () => {
  it("of JSON is its message and its other fields", () => {
    expect(readLine('{"level":"info","message":"out of stock","sku":7,"tags":["a"],"trace_id":"1","none":null}')).toEqual({
      text: "out of stock",
      fields: [["sku", "7"], ["tags", '["a"]']],
    });
  });
  it.each(["plain text", "{not json", '{"a":1}', "[1]", "", '{"message":5}'])("%s stays as it is", (text) => {
    expect(readLine(text)).toEqual({ text, fields: [] });
  });
  it("of a name that every object has is no field", () => {
    expect(fieldOf(row(at(1)), "constructor")).toBeUndefined();
    expect(fieldOf(row(at(1)), "message")).toBeUndefined();
  });
  it("lists own fields first and nothing twice", () => {
    const r = row(at(1), "m", { service: "shop", attributes: { service: "shop", b: true, a: 1, empty: "" } });
    expect(allFields(r)).toEqual([["level", "info"], ["service", "shop"], ["a", "1"], ["b", "true"]]);
  });
});

describe("pages", () => {
  it("meet at an instant that several rows share", () => {
    const first = [row(at(3), "c"), row(at(2), "b1"), row(at(2), "b2")];
    const second = [row(at(2), "b1"), row(at(2), "b2"), row(at(2), "b3"), row(at(1), "a")];
    expect(joinPages([first, second]).map((r) => r.message)).toEqual(["c", "b1", "b2", "b3", "a"]);
  });
  it("keep equal rows of one page", () => {
    expect(joinPages([[row(at(1), "same"), row(at(1), "same")]])).toHaveLength(2);
  });
  it("go on from the last row, and over an instant that fills a page", () => {
    expect(nextPage({ rows: [row(at(3)), row(at(2))] }, "newest", 2)).toEqual({ end: "2026-01-31T12:00:02.000000001Z" });
    expect(nextPage({ rows: [row(at(2)), row(at(3))] }, "oldest", 2)).toEqual({ start: at(3) });
    expect(nextPage({ rows: [row(at(2)), row(at(2))] }, "newest", 2)).toEqual({ end: at(2) });
    expect(nextPage({ rows: [row(at(2)), row(at(2))] }, "oldest", 2)).toEqual({ start: "2026-01-31T12:00:02.000000001Z" });
    expect(nextPage({ rows: [row(at(2))] }, "newest", 2)).toBeNull();
  });
  it("go on from where a search has come to", () => {
    expect(nextPage({ rows: [], reached: at(2) }, "newest", 2)).toEqual({ end: at(2) });
    expect(nextPage({ rows: [row(at(3))], reached: at(4) }, "oldest", 2)).toEqual({ start: at(4) });
  });
  it("count in nanoseconds", () => {
    expect(nextInstant("2026-01-31T12:00:00.421483392Z")).toBe("2026-01-31T12:00:00.421483393Z");
    expect(nextInstant("2026-01-31T12:00:00.5Z")).toBe("2026-01-31T12:00:00.500000001Z");
    expect(nextInstant("2026-01-31T23:59:59.999999999Z")).toBe("2026-02-01T00:00:00.000000000Z");
  });
});

describe("columns", () => {
  it("are the address's, with time first and message last", () => {
    expect(readColumns("")).toEqual([...DEFAULT_COLUMNS]);
    expect(readColumns("message,user_id,time,user_id,<b>")).toEqual(["time", "user_id", "message"]);
    expect(columnsParam(readColumns(""))).toBeNull();
  });
  it("come and go", () => {
    expect(toggleColumn(["time", "level", "message"], "host")).toEqual(["time", "level", "host", "message"]);
    expect(toggleColumn(["time", "level", "message"], "level")).toEqual(["time", "message"]);
    expect(toggleColumn(["time", "message"], "message")).toEqual(["time", "message"]);
  });
});

describe("live tail", () => {
  it("shows the newest first and keeps a bounded number, however much is pushed at once", () => {
    const ring = new TailRing(3);
    const shown = () => ring.newest().map((r) => r.message);
    expect(shown()).toEqual([]);
    ring.push([row(at(1), "1"), row(at(2), "2")]);
    expect(shown()).toEqual(["2", "1"]);
    ring.push([row(at(3), "3"), row(at(4), "4")]);
    expect(shown()).toEqual(["4", "3", "2"]);
    ring.push(Array.from({ length: 10 }, (_, i) => row(at(5), `n${i}`)));
    expect(shown()).toEqual(["n9", "n8", "n7"]);
    expect([ring.count(), ring.count()]).toEqual([14, 0]);
  });
  it("reads frames and leaves what is none", () => {
    expect(readFrame('{"rows":[],"dropped":3}')).toEqual({ rows: [], dropped: 3 });
    expect(readFrame("{}")).toBeNull();
    expect(readFrame("no")).toBeNull();
  });
});

it("draws the worst level lowest", () => {
  const h = { step_s: 60, buckets: [60, 120], series: [{ value: "info", counts: [5, 0] }, { value: "error", counts: [1, 2] }], total: 8 };
  expect(levelSeries(h)).toEqual({
    x: [60, 120],
    series: [
      { name: "error", values: [1, 2], color: "--level-error" },
      { name: "info", values: [5, null], color: "--level-info" },
    ],
  });
});
