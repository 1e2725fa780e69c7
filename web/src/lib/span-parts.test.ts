import { expect, it } from "vitest";
import { spanParts } from "./span-parts";
import type { Row } from "./types";

const row = (payload: unknown) => ({ time: "2026-01-31T00:00:00Z", message: "", level: "unknown", project: 1, attributes: {}, payload }) as unknown as Row;

it("reads events and links", () => {
  const trace = "755f4e55e3a349a4b3690715bb9b3c2e";
  const parts = spanParts(row({ events: [{ time: "2026-01-31T00:00:00.5Z", name: "retry", attributes: { n: 2, ok: true } }], links: [{ trace_id: trace, span_id: "914a31a8eae74aac", attributes: {} }] }));
  expect(parts.events).toEqual([{ time: "2026-01-31T00:00:00.5Z", name: "retry", fields: [["n", "2"], ["ok", "true"]] }]);
  expect(parts.links).toEqual([{ trace, span: "914a31a8eae74aac", fields: [] }]);
});
it("survives a payload of any shape", () => {
  for (const payload of [undefined, null, 7, "x", [], {}, { events: 5, links: {} }, { events: [null, 5, {}], links: [{ trace_id: "javascript:alert(1)" }] }]) {
    const parts = spanParts(row(payload));
    expect(parts.links).toEqual([]);
    for (const e of parts.events) expect(e.name).toBe("(no name)");
  }
});
