import { expect, it } from "vitest";
import { parseFilter } from "./filters";
import { issueMatches, splitIssueFilters } from "./issue-filter";
import type { Issue } from "./types";

const f = (text: string) => parseFilter(text)!;
const issue = { level: "error", type: "KeyError", event_count: 12, platform: "python" } as Issue;

it("splits what the server, the list and nobody can do", () => {
  const split = splitIssueFilters([f("release=shop@1"), f("level=error"), f("error.type=KeyError"), f("service=a"), f("release!=x")]);
  expect(split.release).toBe("shop@1");
  expect(split.own.map((x) => x.field)).toEqual(["level", "type"]);
  expect(split.foreign.map((x) => x.field)).toEqual(["service", "release"]);
});
it("compares with every operator", () => {
  for (const yes of ["level=error", "level!=info", "type~^Key", "type!~^Value", "event_count>11", "event_count>=12", "event_count<13", "event_count<=12"]) expect([yes, issueMatches(issue, [f(yes)])]).toEqual([yes, true]);
  for (const no of ["level=info", "level!=error", "type~^Value", "type!~Error", "event_count>12", "event_count<12"]) expect([no, issueMatches(issue, [f(no)])]).toEqual([no, false]);
  expect(issueMatches(issue, [f("type~(")])).toBe(true);
});
