// Issues: the list, one, and changes that show at once and can be taken back.
import { useQuery } from "@tanstack/react-query";
import { toast } from "../kit/Toasts";
import { get, post, put, request } from "./api";
import { issueAsk, type IssueListParams, issuesAsk } from "./asks";
import { plural } from "./format";
import { asQuery, queryClient } from "./query";
import { useParam } from "./url";
import type { Issue, IssueArchive, IssuePriority, IssueStatus } from "./types";

export { ISSUE_LIMIT } from "./asks";

/** Names of the environments that issues were seen in. */
export function useEnvironments() {
  const project = useParam("project");
  return useQuery({
    queryKey: ["environments", project],
    staleTime: 60_000,
    queryFn: async ({ signal }) => (await get<{ environments: string[] }>("environments", { project }, signal)).environments,
  });
}

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
  resolved_in_next?: boolean;
  resolved_in_commit?: string;
  archive?: IssueArchive;
  priority?: IssuePriority;
}
/** What an issue was, to be put back. */
const asBefore = (i: Issue): IssueChange => ({
  status: i.status,
  ...(i.status === "resolved" && (i.resolved_in_next ? { resolved_in_next: true } : i.resolved_in ? { resolved_in: i.resolved_in } : {})),
  ...(i.status === "ignored" && i.archive ? { archive: i.archive } : {}),
});

function paint(ids: ReadonlySet<number>, change: IssueChange & { bookmarked?: boolean; seen?: boolean }): void {
  const apply = (issue: Issue): Issue => (ids.has(issue.id) ? { ...issue, ...change } : issue);
  queryClient.setQueriesData<Issue[]>({ queryKey: ["issues"] }, (list) => list?.map(apply));
  queryClient.setQueriesData<Issue>({ queryKey: ["issue"] }, (issue) => issue && apply(issue));
}

/** Those on their way are older than a change that begins, and would take it off the page again. */
const dropAnswers = () => Promise.all(["issues", "issue"].map((key) => queryClient.cancelQueries({ queryKey: [key] })));

const send = (ids: readonly number[], change: IssueChange) =>
  ids.length === 1 ? put(`issues/${ids[0]}`, change) : put("issues", { ids, ...change });

const DONE: Record<IssueStatus, string> = { resolved: "Resolved", ignored: "Archived", unresolved: "Reopened" };

function doneText(what: string, change: IssueChange): string {
  if (change.status) return `${DONE[change.status]} ${what}.`;
  if (change.resolved_in_commit) return `${what}: resolved once a release has ${change.resolved_in_commit.slice(0, 7)}.`;
  if (change.priority) return `${what}: priority ${change.priority}.`;
  return change.assignee ? `${what}: assigned to ${change.assignee}.` : `${what}: nobody is assigned.`;
}

/** Somebody's own from now on; those that all are already, nobody's. `me`: an e-mail address; empty does nothing. */
export function assignToMe(issues: readonly Issue[], me: string): void {
  if (me) void changeIssues(issues, { assignee: issues.every((i) => i.assignee === me) ? "" : me });
}

/** Changes issues: seen at once, sent, taken back on failure or by Undo. */
export async function changeIssues(issues: readonly Issue[], change: IssueChange): Promise<void> {
  if (issues.length === 0) return;
  const ids = issues.map((i) => i.id);
  await dropAnswers();
  paint(new Set(ids), change);
  const paintBefore = () => {
    for (const i of issues) paint(new Set([i.id]), { ...asBefore(i), assignee: i.assignee, priority: i.priority, resolved_in: i.resolved_in });
  };
  const undo = async () => {
    paintBefore();
    try {
      for (const i of issues) {
        if (change.status) await send([i.id], asBefore(i));
        if (change.assignee !== undefined) await send([i.id], { assignee: i.assignee });
        if (change.priority) await send([i.id], { priority: i.priority });
      }
    } catch (e) {
      toast((e as Error).message, { bad: true });
    }
    await asked(issues);
  };
  const what = issues.length === 1 ? issues[0]!.short_id : plural(issues.length, "issue");
  toast(doneText(what, change), { undo: () => void undo() });
  try {
    await send(ids, change);
  } catch (e) {
    paintBefore();
    toast(`Not changed: ${(e as Error).message}`, { bad: true });
    return;
  }
  await asked(issues);
}

/** So many are changed together at most, as the server has it. */
export const MATCHING_LIMIT = 10_000;

/** Changes every issue that a list's parameters select, shown or not, once somebody has confirmed how many. There is no Undo: what
 * they were before is not known here. True when they were changed. */
export async function changeMatching(params: IssueListParams, total: number, change: IssueChange, confirmed = (words: string) => confirm(words)): Promise<boolean> {
  if (!confirmed(`${WILL[change.status ?? "other"]} ${total.toLocaleString("en")} issues: all that match, also those that the list does not show? This cannot be undone.`)) return false;
  const { sort: _order, ...selecting } = params;
  // A change without ids wants a question to be there, if a blank one.
  const query = selecting.query || " ";
  try {
    const { issues } = await request<{ issues: Issue[] }>("issues", { method: "PUT", query: { ...selecting, query }, body: change });
    toast(doneText(plural(issues.length, "issue"), change));
  } catch (e) {
    toast(`Not changed: ${(e as Error).message}`, { bad: true });
    return false;
  } finally {
    await asked([]);
  }
  return true;
}
const WILL: Record<IssueStatus | "other", string> = { resolved: "Resolve", ignored: "Archive", unresolved: "Reopen", other: "Change" };

/** What shows these issues is asked anew. */
async function asked(issues: readonly Issue[]): Promise<void> {
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: ["issues"] }),
    queryClient.invalidateQueries({ queryKey: ["issue"] }),
    ...issues.map((i) => queryClient.invalidateQueries({ queryKey: ["issue-activity", i.id] })),
  ]);
}
/** The same, and all that is made of their events. */
export async function issuesMoved(): Promise<void> {
  await Promise.all(
    ["issues", "issue", "issue-parts", "issue-activity", "issue-events", "issue-stats", "issue-tags", "issue-grouping"].map((key) =>
      queryClient.invalidateQueries({ queryKey: [key] }),
    ),
  );
}

interface Taken {
  issue: Issue;
  from: Issue;
}
/** Takes a part, or some of its hashes, out of an issue. */
export async function takeOut(issue: Issue, what: { part: number } | { hashes: string[] }): Promise<void> {
  try {
    const taken = await post<Taken>(`issues/${issue.id}/unmerge`, what);
    toast(`${taken.issue.short_id} is an issue of its own.`, { undo: () => void mergeIssues([taken.from, taken.issue], taken.from.id) });
  } catch (e) {
    toast(`Not taken out: ${(e as Error).message}`, { bad: true });
  }
  await issuesMoved();
}

/** Makes several issues one: the one that is named, else the one seen first. Undo takes out what was put in. */
export async function mergeIssues(issues: readonly Issue[], into?: number): Promise<void> {
  const ids = issues.map((i) => i.id);
  try {
    const { issue } = await post<{ issue: Issue }>("issues/merge", { ids, ...(into ? { into } : {}) });
    const undo = async () => {
      for (const id of ids) if (id !== issue.id) await post(`issues/${issue.id}/unmerge`, { part: id });
      await issuesMoved();
    };
    const failed = (e: Error) => toast(e.message, { bad: true });
    toast(`${plural(issues.length, "issue")} are ${issue.short_id} now.`, { undo: () => void undo().catch(failed) });
  } catch (e) {
    toast(`Not merged: ${(e as Error).message}`, { bad: true });
  }
  await issuesMoved();
}

/** For whoever is signed in; seen at once. */
export async function markIssues(issues: readonly Issue[], mark: { bookmarked?: boolean; seen?: boolean }): Promise<void> {
  const ids = issues.map((i) => i.id);
  if (ids.length === 0) return;
  const shown = mark.bookmarked !== undefined;
  if (shown) await dropAnswers();
  paint(new Set(ids), mark);
  try {
    await put("issues/marks", { ids, ...mark });
  } catch (e) {
    toast(`Not kept: ${(e as Error).message}`, { bad: true });
    await asked(issues);
    return;
  }
  if (shown) await asked(issues);
}
