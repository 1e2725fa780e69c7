import { describe, expect, it } from "vitest";
import { addFilter, type Filter, filterText, parseFilter, parseTyped, readFilters, removeFilter } from "./filters";

const f = (text: string) => parseFilter(text)!;
const texts = (filters: readonly Filter[]) => filters.map(filterText);

describe("a filter's form", () => {
  it("is field, operator, value", () => {
    expect(f("level=error")).toEqual({ field: "level", op: "=", value: "error" });
    expect(f("http.status_code>=500")).toEqual({ field: "http.status_code", op: ">=", value: "500" });
    expect(f("message!~a=b")).toEqual({ field: "message", op: "!~", value: "a=b" });
    expect(f("url.full=http://x/?a=1&b=<script>")).toEqual({ field: "url.full", op: "=", value: "http://x/?a=1&b=<script>" });
  });
  it("survives the way through the address", () => {
    const hostile = 'k=a&where=x=1#"%00<img src=x onerror=alert(1)> +é\u2028';
    const params = new URLSearchParams();
    params.append("where", hostile);
    expect(texts(readFilters(new URLSearchParams(params.toString())))).toEqual([hostile]);
  });
  it("refuses what is none", () => {
    for (const text of ["", "level", "=x", "level=", "1a=2", "a b=c", "é=x"]) expect(parseFilter(text)).toBeNull();
  });
});

describe("adding", () => {
  it("replaces an equality on the same field", () => expect(texts(addFilter([f("level=error"), f("service=a")], f("level=info")))).toEqual(["service=a", "level=info"]));
  it("takes = and != on one value for a contradiction", () => {
    expect(texts(addFilter([f("level=error")], f("level!=error")))).toEqual(["level!=error"]);
    expect(texts(addFilter([f("level!=error")], f("level=error")))).toEqual(["level=error"]);
  });
  it("gathers exclusions and bounds", () =>
    expect(texts([f("level!=debug"), f("d>5"), f("d<9")].reduce(addFilter, [f("level!=info")]))).toEqual(["level!=info", "level!=debug", "d>5", "d<9"]));
  it("adds the same one once", () => expect(texts(addFilter([f("a!=1")], f("a!=1")))).toEqual(["a!=1"]));
  it("is undone by removing", () => expect(removeFilter([f("a=1"), f("b=2")], f("a=1"))).toEqual([f("b=2")]));
});

describe("typing", () => {
  const typed = (text: string) => {
    const { filters, rest } = parseTyped(text);
    return [texts(filters), rest];
  };
  it("splits filters from text", () => expect(typed('level=error "out of stock" user_id!=7 basket')).toEqual([["level=error", "user_id!=7"], "out of stock basket"]));
  it("takes a colon for equality, but not in addresses", () => {
    expect(typed("level:error")).toEqual([["level=error"], ""]);
    expect(typed("http://example.com/x")).toEqual([[], "http://example.com/x"]);
  });
  it("keeps blanks in quoted values", () => {
    expect(typed('message="out of stock"')).toEqual([["message=out of stock"], ""]);
    expect(typed('release="a \\"b\\" c"')).toEqual([['release=a "b" c'], ""]);
  });
  it("leaves a wholly quoted word alone", () => expect(typed('"level=error"')).toEqual([[], "level=error"]));
  it("does not lose an open quote", () => expect(typed('"half open')).toEqual([[], "half open"]));
});
