import { expect, test } from "vitest";
import { readEvent } from "./event";
import { explain, metaAt, noteOf, piecesOf } from "./remarks";

const meta = { request: { data: { note: { "": { rem: [["@card", "s", 4, 10]], len: 27 } }, list: { "0": { "": { rem: [["@key", "x"]] } } } } } };

test("remarks are found by path, and by parts where a value is shown as one text", () => {
  expect(noteOf(metaAt(meta, "request", "data", "note"))).toEqual({ remarks: [{ rule: "@card", what: "s", begin: 4, end: 10 }], length: 27 });
  expect(noteOf(metaAt(meta, "request", "data"))).toBeNull();
  expect(noteOf(metaAt(meta, "request", "data"), true)?.remarks.map((r) => r.rule)).toEqual(["@card", "@key"]);
  expect(noteOf(metaAt(meta, "request", "__proto__", ""))).toBeNull();
  expect(noteOf({ "": { rem: "no list", len: -1 } })).toBeNull();
});

test("a text is cut where remarks stand, in characters", () => {
  const at = (begin: number | null, end: number | null) => ({ rule: "@card", what: "s", begin, end });
  expect(piecesOf("ä😀 [card] now", { remarks: [at(3, 9)], length: 20 }).map((p) => p.text)).toEqual(["ä😀 ", "[card]", " now"]);
  expect(piecesOf("short", { remarks: [at(3, 99)], length: null })).toEqual([{ text: "short", remark: at(3, 99) }]);
  expect(piecesOf("a b", { remarks: [at(0, 2), at(1, 3)], length: null }).map((p) => p.text)).toEqual(["a ", "b"]);
});

test("a remark says the rule and what was done", () => {
  expect(explain({ rule: "@private_key", what: "s", begin: 0, end: 3 }, 12)).toBe("Redacted by rule private key: replaced; the value had 12 characters");
  expect(explain({ rule: "!config", what: "s", begin: null, end: null }, 5)).toBe("Redacted by the SDK's settings: replaced");
});

test("an event's parts come with their remarks", () => {
  const event = readEvent({
    exception: { values: [{ type: "E", value: "card [card]", stacktrace: { frames: [{ vars: { a: "1", password: "[Filtered]" } }] } }] },
    request: { url: "https://a.example/", headers: [["Cookie", "[Filtered]"]], data: { note: "pay [card] now" } },
    tags: [["card", "[card]"]],
    _meta: {
      exception: { values: { "0": { value: { "": { rem: [["@card", "s", 5, 11]] } }, stacktrace: { frames: { "0": { vars: { password: { "": { rem: [["@key", "s", 0, 10]] } } } } } } } } },
      request: { headers: { "0": { "1": { "": { rem: [["@key", "s", 0, 10]] } } } }, data: { note: { "": { rem: [["@card", "s", 4, 10]] } } } },
      tags: { "0": { "1": { "": { rem: [["@card", "s", 0, 6]] } } } },
    },
  });
  expect(event.thrown[0]?.note?.remarks[0]?.rule).toBe("@card");
  expect(event.thrown[0]?.frames[0]?.vars.map(([name, , note]) => [name, note?.remarks[0]?.rule])).toEqual([["a", undefined], ["password", "@key"]]);
  expect(event.request?.headers[0]?.[2]?.remarks[0]?.rule).toBe("@key");
  expect(event.request?.bodyNote?.remarks.map((r) => r.rule)).toEqual(["@card"]);
  expect(event.tags[0]?.[2]?.remarks[0]?.rule).toBe("@card");
});
