import { describe, expect, it } from "vitest";
import type { Row } from "./types";
import { allFields } from "./message";

const row = (level: string): Row =>
  ({ time: "2026-01-01T00:00:00Z", message: "m", project: 1, level, service: "shop", attributes: { b: 2, a: "", service: "again" } }) as unknown as Row;

describe("the fields of a row", () => {
  it("begin with its own and repeat none of them", () => {
    expect(allFields(row("error"))).toEqual([["level", "error"], ["service", "shop"], ["b", "2"]]);
  });
  it("have no level when none was set", () => {
    expect(allFields(row("unknown")).map(([name]) => name)).toEqual(["service", "b"]);
  });
});
