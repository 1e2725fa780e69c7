import { expect, it } from "vitest";
import { parseFilter } from "./filters";
import { problemOf } from "./search";
import { filterTerms, quoteValue, withTerms, writing } from "./search-terms";

const f = (text: string) => parseFilter(text)!;

it("says filters of other pages in the search language", () => {
  const said = (text: string) => filterTerms([f(text)]).text;
  expect(said("level=error")).toBe("level:error");
  expect(said("level!=error")).toBe("!level:error");
  expect(said("event_count>=12")).toBe("times_seen:>=12");
  expect(said("user_id=a b")).toBe('user.id:"a b"');
  expect(said("release=shop@1*")).toBe('release:"shop@1\\*"');
  expect(said("type~^Key")).toBe('type:"Key*"');
  expect(said("type!~Error$")).toBe('!type:"*Error"');
  expect(said("url.full~/pay/.*/x\\.js")).toBe('url:"*/pay/*/x.js*"');
  expect(filterTerms([f("type~(a|b)"), f("level=error")])).toEqual({ text: "level:error", foreign: [f("type~(a|b)")] });
});
it("keeps a typed query whole beside filters", () => {
  expect(withTerms("pay", [f("level=error")])).toEqual({ query: "pay level:error", shift: 0 });
  expect(withTerms("a:1 OR b:2", [f("level=error")])).toEqual({ query: "(a:1 OR b:2) level:error", shift: 1 });
  expect(withTerms(" ", [f("level=error")]).query).toBe("level:error");
  expect(withTerms("a:1 OR b:2", []).query).toBe("a:1 OR b:2");
});
it("knows what is being written", () => {
  const at = (text: string) => writing(text.replace("|", ""), text.indexOf("|"));
  expect(at("|")).toEqual({ key: null, text: "", at: 0 });
  expect(at("is:new rel|")).toEqual({ key: null, text: "rel", at: 7 });
  expect(at("!(rel|")).toEqual({ key: null, text: "rel", at: 2 });
  expect(at("is:un|")).toEqual({ key: "is", text: "un", at: 3 });
  expect(at("!release:1.|2")).toEqual({ key: "release", text: "1.", at: 9 });
  expect(at("level:[error,fa|")).toEqual({ key: "level", text: "fa", at: 13 });
  expect(at("duration:>1|")).toEqual({ key: "duration", text: "1", at: 10 });
  expect(at('url:"/a b|')).toEqual({ key: "url", text: "/a b", at: 4 });
  expect(at("tags[a b]:x|")).toEqual({ key: "a b", text: "x", at: 10 });
  expect(at('"a key:b" |')).toEqual({ key: null, text: "", at: 10 });
});
it("quotes what has to be", () => {
  expect([quoteValue("a@b.c"), quoteValue('x "y*'), quoteValue("")]).toEqual(["a@b.c", '"x \\"y\\*"', '""']);
});
it("reads where a query is wrong", () => {
  expect(problemOf(new Error("query: column 4: no"), 1)).toEqual({ at: 2, words: "no" });
  expect(problemOf(new Error("limit: no"))).toBeNull();
  expect(problemOf(null)).toBeNull();
});
