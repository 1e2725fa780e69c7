import { parser } from "@grafana/lezer-logql";
import { describe, expect, it } from "vitest";
import { isLogQuery } from "./asks";
import { FUNCTIONS, narrowed, placeIn, readLogqlPosition, STAGES, toLogql, volumeOf } from "./logql";
import type { Filter } from "./filters";

/** Whether LogQL's grammar takes it. */
function parses(query: string): boolean {
  let wrong = false;
  parser.parse(query).iterate({ enter: (n) => void (wrong ||= n.type.isError) });
  return !wrong;
}
const f = (field: string, op: Filter["op"], value: string): Filter => ({ field, op, value });

describe("filters as a query", () => {
  const cases: [Filter[], string, string][] = [
    [[], "", '{service_name=~".+"}'],
    [[f("service", "=", "shop")], "out of stock", '{service_name="shop"} |= "out of stock"'],
    [[f("level", "=", "error"), f("http.route", "!=", "/x")], "", '{service_name=~".+"} | detected_level="error" | http_route!="/x"'],
    [[f("path", "~", "^/api")], 'say "hi" \\ ', '{service_name=~".+"} |= "say \\"hi\\" \\\\" | path=~".*(?:^/api).*"'],
    [[f("took", ">=", "100"), f("name", "<", "b c")], "", '{service_name=~".+"} | took >= 100 | name < "b c"'],
    [[f("message", "!~", "health")], "", '{service_name=~".+"} !~ "health"'],
  ];
  it.each(cases)("%j %j", (filters, text, query) => expect(toLogql(filters, text)).toBe(query));
  it("are always in the grammar, whatever people filter on", () => {
    const hostile = ['"', "\\", "`", "}", "{{", "\n", "|", "' or 1=1", "<b>", "\u202e"];
    for (const value of hostile) {
      for (const op of ["=", "!=", "~", "!~"] as const) {
        expect(parses(toLogql([f("service", op, value), f("user.id", op, value), f("9x", op, value)], value)), `${op} ${value}`).toBe(true);
      }
      expect(parses(narrowed('{a="b"} | json', "x.y", "!=", value)!), value).toBe(true);
    }
    expect(parses(volumeOf('{a="b"} |= "x" | json', 15))).toBe(true);
    expect(volumeOf('{a="b"}', 15, "http.route")).toBe('sum by (http_route) (count_over_time({a="b"} [15s]))');
  });
});

it("tells lines from numbers", () => {
  for (const q of ['{a="b"}', '  {a="b"} |= "rate("', '# rate\n{a="b"}']) expect(isLogQuery(q), q).toBe(true);
  for (const q of ['rate({a="b"}[5m])', '(sum(rate({a="b"}[1m])))', "", "1 + 1"]) expect(isLogQuery(q), q).toBe(false);
  expect(narrowed("rate({a=\"b\"}[5m])", "x", "=", "y")).toBeNull();
});

describe("where one stands", () => {
  const cases: [string, string, string?][] = [
    ["", "function"], ["ra", "function"], ["{", "label"], ["{ser", "label"], ['{a="b", c', "label"], ['{a="', "value", "a"], ['{a=~"x|y', "value", "a"],
    ['{a="b"} | ', "stage"], ['{a="b"} |js', "stage"], ['{a="b"} |= "x', "none"], ['{a="b"} | json | level="', "value", "level"], ['{a="b|{', "value", "a"],
    ["sum by (", "grouping"], ["sum by (a, b", "grouping"], ["sum(ra", "function"], ['{a="b"} | json | unwrap d', "field"], ['{a="b"} | x="1" and y', "field"],
    ['{a="\\""} | ', "stage"], ["{a=`b} | `} | ", "stage"], ['{a="b"}', "none"], ['{a="b"} | drop x, ', "field"],
  ];
  it.each(cases)("%s", (text, kind, label) => {
    const place = placeIn(text);
    expect([place.kind, place.label]).toEqual([kind, label]);
    expect(place.from).toBeLessThanOrEqual(text.length);
  });
});

it("offers only what the grammar has", () => {
  for (const [name, , insert] of STAGES) {
    const rest: Record<string, string> = { label_format: "a=b", drop: "a", keep: "a", unwrap: "a" };
    const stage = `{a="b"} | ${insert ?? name}${rest[name] ?? ""}`;
    expect(parses(name === "unwrap" ? `sum_over_time(${stage} [1m])` : stage), stage).toBe(true);
  }
  for (const [name] of FUNCTIONS) {
    const inner = /_over_time|rate/.test(name) ? (/^(sum|avg|min|max|quantile|first|last)_/.test(name) ? '{a="b"} | unwrap x [1m]' : '{a="b"}[1m]') : 'rate({a="b"}[1m])';
    const first = /^quantile/.test(name) ? "0.9, " : /k$/.test(name) ? "5, " : "";
    expect(parses(`${name}(${first}${inner})`), name).toBe(true);
  }
});

it("reads where an error is", () => {
  expect(readLogqlPosition("parse error at line 2, col 3: syntax error: unexpected }", "{a=\n  }")).toEqual({ at: 6, words: "syntax error: unexpected }" });
  expect(readLogqlPosition("too many series", "x")).toBeNull();
});
