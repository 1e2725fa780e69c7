import { expect, it } from "vitest";
import { findRow, isRow, rowId, timeOfId } from "./row-id";
import type { Row } from "./types";

const row = (time: string, message: string, more: Partial<Row> = {}): Row => ({ time, message, level: "info", project: 1, attributes: {}, ...more });
const T = "2026-01-31T12:00:00.000000001Z";

it("tells lines of one time apart by what they say and where they are from", () => {
  const rows = [row(T, "a"), row(T, "b"), row(T, "b", { service: "shop" }), row(T, "b", { project: 2 }), row("2026-01-31T12:00:01Z", "b")];
  expect(new Set(rows.map(rowId)).size).toBe(rows.length);
  for (const r of rows) expect(findRow(rows, rowId(r))).toBe(r);
  expect(timeOfId(rowId(rows[0]!))).toBe(T);
});
it("takes a time alone for the first line of it, and a line that reads otherwise now only where asked to", () => {
  const rows = [row("2026-01-31T12:00:02Z", "x"), row(T, "a"), row(T, "b")];
  expect(findRow(rows, T)).toBe(rows[1]);
  expect(findRow(rows, `${T}_zzz`)).toBeUndefined();
  expect(findRow(rows, `${T}_zzz`, true)).toBe(rows[1]);
  expect(findRow(rows, "2026-01-31T13:00:00Z", true)).toBeUndefined();
  // A time that another begins with is not it.
  expect(isRow(row("2026-01-31T12:00:00Z", "a"), "2026-01-31T12:00:00.5Z")).toBe(false);
});
