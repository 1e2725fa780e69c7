import { expect, test } from "vitest";
import { EMPTY_RULE, freeName, howOf, saidOf } from "./issue-alerts";

test("what a rule says", () => {
  expect(saidOf(EMPTY_RULE)).toBe("New issues, regressions, escalations");
  expect(saidOf({ ...EMPTY_RULE, on: [], events: { more_than: 100, within: "1h" }, users: { more_than: 5, within: "5m" } })).toBe("More than 100 events in 1h, more than 5 users in 5m");
  expect(howOf(EMPTY_RULE)).toBe("To every receiver, at once.");
  expect(howOf({ ...EMPTY_RULE, receivers: ["chat", "mail"], digest: "1h", at_most_every: "30m" })).toBe("To chat, mail, gathered, each 1h, of one issue at most each 30m.");
});

test("a new rule's name is its own", () => {
  const rules = ["Rule", "Rule 2"].map((name) => ({ ...EMPTY_RULE, name }));
  expect(freeName([], "Rule")).toBe("Rule");
  expect(freeName(rules, "Rule")).toBe("Rule 3");
});
