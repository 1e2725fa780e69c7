import { describe, expect, it } from "vitest";
import { pageLink, patchSearch, shareLink } from "./url";

describe("patching the address", () => {
  it("sets, replaces and removes", () => {
    expect(patchSearch("?a=1&b=2", { b: "3", c: "4" })).toBe("?a=1&b=3&c=4");
    expect(patchSearch("?a=1&b=2", { a: null, b: "" })).toBe("");
  });
  it("writes lists as repeated parameters", () => {
    expect(patchSearch("?where=a%3D1&x=1", { where: ["b=2", "c!=3"] })).toBe("?x=1&where=b%3D2&where=c%21%3D3");
    expect(patchSearch("?where=a%3D1", { where: [] })).toBe("");
  });
  it("leaves other parameters as they are", () => expect(patchSearch("?q=a%20b%26c", { x: "1" })).toBe("?q=a+b%26c&x=1"));
});

describe("links between pages", () => {
  const here = "?range=6h&project=2&where=service%3Da&q=text&event=9&around=2026";
  it("keep when and where, drop what is open", () => expect(pageLink("/logs", here)).toBe("/logs?range=6h&project=2&where=service%3Da"));
  it("let the link's own parameters win", () => expect(pageLink("/logs?where=level%3Derror&range=1h", here)).toBe("/logs?where=level%3Derror&range=1h&project=2"));
  it("drop a relative range for a link with instants", () =>
    expect(pageLink("/logs?from=2026-01-31T10:00:00Z&to=2026-01-31T11:00:00Z", here)).not.toContain("range="));
  it("can keep less", () => expect(pageLink("/x", here, ["project"])).toBe("/x?project=2"));
});

it("shares absolute time", () => {
  const span = { start: Date.UTC(2026, 0, 31, 10), end: Date.UTC(2026, 0, 31, 11) };
  const url = new URL(shareLink("http://h/logs?range=1h&q=x#top", span));
  expect(url.searchParams.get("from")).toBe("2026-01-31T10:00:00.000Z");
  expect(url.searchParams.get("to")).toBe("2026-01-31T11:00:00.000Z");
  expect(url.searchParams.has("range")).toBe(false);
  expect([url.searchParams.get("q"), url.hash]).toEqual(["x", "#top"]);
});
