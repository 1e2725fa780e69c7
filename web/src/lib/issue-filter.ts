// Filters on issues. The server narrows by status, release and text; filters on an issue's own fields are applied here,
// and those on fields an issue does not have are named, so that nobody believes they were applied.
import type { Filter } from "./filters";
import type { Issue } from "./types";

const FIELDS = ["level", "type", "platform", "culprit", "assignee", "substatus", "priority", "first_release", "last_release", "title"] as const;
const NUMBERS = ["event_count", "user_count"] as const;

export interface SplitFilters {
  /** For the server's `release` parameter. */
  release: string;
  own: Filter[];
  foreign: Filter[];
}
export function splitIssueFilters(filters: readonly Filter[]): SplitFilters {
  const split: SplitFilters = { release: "", own: [], foreign: [] };
  for (const f of filters) {
    if (f.field === "release" && f.op === "=") split.release = f.value;
    else if (([...FIELDS, ...NUMBERS] as string[]).includes(f.field)) split.own.push(f);
    else if (f.field === "error.type") split.own.push({ ...f, field: "type" });
    else split.foreign.push(f);
  }
  return split;
}

export function issueMatches(issue: Issue, filters: readonly Filter[]): boolean {
  return filters.every((f) => {
    const value = issue[f.field as (typeof FIELDS)[number] | (typeof NUMBERS)[number]];
    const text = String(value);
    switch (f.op) {
      case "=":
        return text === f.value;
      case "!=":
        return text !== f.value;
      case "~":
        return pattern(f.value)?.test(text) ?? true;
      case "!~":
        return !(pattern(f.value)?.test(text) ?? false);
      case ">":
        return Number(value) > Number(f.value);
      case ">=":
        return Number(value) >= Number(f.value);
      case "<":
        return Number(value) < Number(f.value);
      case "<=":
        return Number(value) <= Number(f.value);
    }
  });
}
function pattern(text: string): RegExp | null {
  try {
    return new RegExp(text);
  } catch {
    return null;
  }
}
