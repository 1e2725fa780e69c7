// Rules by which people hear of issues: what one says in a sentence, and what its form makes.
import type { components } from "./api-schema";
import { parseDuration } from "./time";

export type IssueAlertRule = components["schemas"]["IssueAlertRule"];
export type IssueNews = IssueAlertRule["on"][number];
export const NEWS: readonly (readonly [IssueNews, string])[] = [
  ["new", "New issues"],
  ["regressed", "Resolved issues that come back"],
  ["escalating", "Issues that come much more often than they used to"],
  ["unarchived", "Archived issues that are back"],
];
const SHORT: Record<IssueNews, string> = { new: "new issues", regressed: "regressions", escalating: "escalations", unarchived: "issues back from the archive" };

export const EMPTY_RULE: IssueAlertRule = { name: "", on: ["new", "regressed", "escalating"], events: null, users: null, query: "", receivers: [], at_most_every: "0s", digest: "0s", paused: false };

const none = (d: string) => (parseDuration(d) ?? 0) === 0;
/** What the rule tells of, for people. */
export function saidOf(r: IssueAlertRule): string {
  const what = r.on.map((n) => SHORT[n]);
  if (r.events) what.push(`more than ${r.events.more_than} events in ${r.events.within}`);
  if (r.users) what.push(`more than ${r.users.more_than} users in ${r.users.within}`);
  const text = what.join(", ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
export function howOf(r: IssueAlertRule): string {
  const to = r.receivers.length ? r.receivers.join(", ") : "every receiver";
  const gathered = none(r.digest) ? "at once" : `gathered, each ${r.digest}`;
  const most = none(r.at_most_every) ? "" : `, of one issue at most each ${r.at_most_every}`;
  return `To ${to}, ${gathered}${most}.`;
}
/** Of a new rule: a name that no other has. */
export function freeName(rules: readonly IssueAlertRule[], wanted: string): string {
  const taken = new Set(rules.map((r) => r.name));
  if (!taken.has(wanted)) return wanted;
  for (let i = 2; ; i++) if (!taken.has(`${wanted} ${i}`)) return `${wanted} ${i}`;
}
