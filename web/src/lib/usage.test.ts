import { expect, test } from "vitest";
import { categoryName, reasonName, type UsageAnswer, usageBars, usageReasons, usageRows } from "./usage";

const answer: UsageAnswer = {
  start: "2026-01-01T00:05:00Z",
  end: "2026-01-01T01:05:00Z",
  step: 1200,
  over_time: [
    { time: "2026-01-01T00:00:00Z", kind: "accepted", category: "error", quantity: 3 },
    { time: "2026-01-01T00:40:00Z", kind: "rate_limited", category: "error", quantity: 5 },
    { time: "2026-01-01T00:40:00Z", kind: "accepted", category: "log_item", quantity: 7 },
  ],
  totals: [
    { kind: "accepted", category: "error", reason: "", key: "a", quantity: 3 },
    { kind: "rate_limited", category: "error", reason: "3 in 60 s", key: "a", quantity: 2 },
    { kind: "rate_limited", category: "error", reason: "3 in 60 s", key: "b", quantity: 3 },
    { kind: "accepted", category: "log_item", reason: "", key: "a", quantity: 7 },
  ],
};

test("every step of the range is a bar, and holds what its category has", () => {
  expect(usageBars(answer, "").map((b) => b.total)).toEqual([3, 0, 12, 0]);
  expect(usageBars(answer, "error").map((b) => b.counts.rate_limited)).toEqual([0, 0, 5, 0]);
  expect(usageBars({ ...answer, step: 0 }, "")).toEqual([]);
});

test("categories are rows, reasons are summed over keys", () => {
  expect(usageRows(answer.totals).map((r) => [r.category, r.total])).toEqual([["error", 8], ["log_item", 7]]);
  expect(usageReasons(answer.totals, "")).toEqual([{ kind: "rate_limited", category: "error", reason: "3 in 60 s", quantity: 5 }]);
  expect(usageReasons(answer.totals, "log_item")).toEqual([]);
});

test("names are words, also those that nobody knew", () => {
  expect(categoryName("log_item")).toBe("Log lines");
  expect(categoryName("new_thing")).toBe("new thing");
  expect(reasonName("rate_limited", "3 in 60 s")).toBe("limit of 3 in 60 s");
  expect(reasonName("client", "odd_reason")).toBe("odd reason");
});
