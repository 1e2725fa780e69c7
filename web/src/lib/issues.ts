// Issues: the list, one, and changes that show at once and can be taken back.
import { useQuery } from "@tanstack/react-query";
import { toast } from "../kit/Toasts";
import { put } from "./api";
import { issueAsk, type IssueListParams, issuesAsk } from "./asks";
import { plural } from "./format";
import { asQuery, queryClient } from "./query";
import type { Issue, IssueStatus } from "./types";

export { ISSUE_LIMIT } from "./asks";

export const useIssues = (params: IssueListParams) => useQuery(asQuery(issuesAsk(params)));

export const useIssue = (id: string) => useQuery({ ...asQuery(issueAsk(id)), placeholderData: known(id) });

/** The issue as some list already shows it. */
function known(id: string): Issue | undefined {
  for (const [, list] of queryClient.getQueriesData<Issue[]>({ queryKey: ["issues"] })) {
    const found = list?.find((i) => String(i.id) === id || i.short_id === id);
    if (found) return found;
  }
  return undefined;
}

export interface IssueChange {
  status?: IssueStatus;
  assignee?: string;
  resolved_in?: string;
}

function paint(ids: ReadonlySet<number>, change: IssueChange): void {
  const apply = (issue: Issue): Issue => (ids.has(issue.id) ? { ...issue, ...change } : issue);
  queryClient.setQueriesData<Issue[]>({ queryKey: ["issues"] }, (list) => list?.map(apply));
  queryClient.setQueriesData<Issue>({ queryKey: ["issue"] }, (issue) => issue && apply(issue));
}

const send = (ids: readonly number[], change: IssueChange) =>
  ids.length === 1 ? put(`issues/${ids[0]}`, change) : put("issues", { ids, ...change });

const DONE: Record<IssueStatus, string> = { resolved: "Resolved", ignored: "Ignored", unresolved: "Reopened" };

/** Changes issues: seen at once, sent, taken back on failure or by Undo. */
export async function changeIssues(issues: readonly Issue[], change: IssueChange): Promise<void> {
  if (issues.length === 0) return;
  const ids = issues.map((i) => i.id);
  const before = new Map<IssueStatus, number[]>();
  for (const i of issues) before.set(i.status, [...(before.get(i.status) ?? []), i.id]);
  await queryClient.cancelQueries({ queryKey: ["issues"] });
  paint(new Set(ids), change);
  const undo = async () => {
    for (const i of issues) paint(new Set([i.id]), { status: i.status, assignee: i.assignee, resolved_in: i.resolved_in });
    try {
      if (change.status) for (const [status, some] of before) await send(some, { status });
      if (change.assignee !== undefined) for (const i of issues) await send([i.id], { assignee: i.assignee });
    } catch (e) {
      toast((e as Error).message, { bad: true });
    }
    await queryClient.invalidateQueries({ queryKey: ["issues"] });
  };
  const what = issues.length === 1 ? issues[0]!.short_id : plural(issues.length, "issue");
  const done = change.status ? `${DONE[change.status]} ${what}.` : change.assignee ? `${what}: assigned to ${change.assignee}.` : `${what}: nobody is assigned.`;
  toast(done, { undo: () => void undo() });
  try {
    await send(ids, change);
  } catch (e) {
    for (const i of issues) paint(new Set([i.id]), { status: i.status, assignee: i.assignee, resolved_in: i.resolved_in });
    toast(`Not changed: ${(e as Error).message}`, { bad: true });
  }
}
