import { parser } from "@grafana/lezer-logql";
import { expect, it } from "vitest";
import { type AlertDraft, alertExpr, hasLimit, limitOf, listOf, measuredBy, metricName, wouldFire } from "./log-rules";

const draft = (more: Partial<AlertDraft> = {}): AlertDraft => ({ language: "logql", query: '{service_name="shop"} |= "timeout"', lines: true, op: ">", limit: 10, window: "5m", each: "", ...more });
const parses = (query: string) => {
  let wrong = false;
  parser.parse(query).iterate({ enter: (node) => void (wrong ||= node.type.isError) });
  return !wrong;
};

it("counts the lines of a search against a limit", () => {
  expect(alertExpr(draft())).toBe('sum(count_over_time({service_name="shop"} |= "timeout" [5m])) > 10');
  expect(alertExpr(draft({ each: "http.route" }))).toBe('sum by (http_route) (count_over_time({service_name="shop"} |= "timeout" [5m])) > 10');
  // That nothing comes is a reason, too.
  expect(alertExpr(draft({ op: "<", limit: 1 }))).toBe('(sum(count_over_time({service_name="shop"} |= "timeout" [5m])) or vector(0)) < 1');
  for (const d of [draft(), draft({ each: "route" }), draft({ op: "<" })]) expect(parses(alertExpr(d)), alertExpr(d)).toBe(true);
});
it("takes a query of numbers as it is, with its own limit if it has one", () => {
  const numbers = draft({ lines: false, query: 'rate({a="b"}[1m])', limit: 0.5 });
  expect(alertExpr(numbers)).toBe('(rate({a="b"}[1m])) > 0.5');
  expect(measuredBy(numbers)).toBe('rate({a="b"}[1m])');
  const own = draft({ lines: false, language: "promql", query: "sum(x) / sum(y) >= 0.2" });
  expect([alertExpr(own), hasLimit(own), limitOf(own)]).toEqual(["sum(x) / sum(y) >= 0.2", true, { expr: "sum(x) / sum(y)", op: ">=", value: 0.2 }]);
  expect(hasLimit(draft({ query: '{a="b"} | took > 5' }))).toBe(false);
});
it("counts how often it would have fired", () => {
  const values = [1, 5, 6, 1, 7, null, 7, 7, 7];
  expect(wouldFire([values], ">", 4, 0)).toBe(3);
  expect(wouldFire([values], ">", 4, 1)).toBe(2);
  expect(wouldFire([values], ">", 4, 2)).toBe(1);
  expect(wouldFire([values, values], "<=", 1, 0)).toBe(4);
  expect(wouldFire([[null, null]], "<", 4, 0)).toBe(0);
});
it("finds a name for a metric", () => {
  expect(metricName('{service_name="shop"} |= "out of stock!"')).toBe("out_of_stock");
  expect(metricName('{service_name="shop"}')).toBe("shop");
  expect(metricName('{} |= "500"')).toBe("lines_500");
  expect(metricName("|~ `x`")).toBe("lines");
  expect(listOf(" level, route level")).toEqual(["level", "route"]);
});
