// Changes that show at once, against answers that were on their way.
import { afterEach, expect, test, vi } from "vitest";
import { changeMatching, markIssues } from "./issues";
import { queryClient } from "./query";
import type { Issue } from "./types";

afterEach(() => {
  vi.unstubAllGlobals();
  queryClient.clear();
});

test("an answer that was asked for before the bookmark does not take it off again", async () => {
  const before = { id: 7, bookmarked: false } as Issue;
  queryClient.setQueryData(["issue", "7"], before);
  let answer: (issue: Issue) => void = () => undefined;
  const asked = queryClient
    .fetchQuery({ queryKey: ["issue", "7"], queryFn: () => new Promise<Issue>((resolve) => (answer = resolve)), staleTime: 0 })
    .catch(() => undefined);
  vi.stubGlobal("fetch", vi.fn(async () => new Response("{}", { headers: { "Content-Type": "application/json" } })));
  const marked = markIssues([before], { bookmarked: true });
  await vi.waitFor(() => expect(fetch).toHaveBeenCalledOnce());
  answer({ ...before });
  await Promise.all([asked, marked]);
  expect(queryClient.getQueryData<Issue>(["issue", "7"])?.bookmarked).toBe(true);
});

const list = { status: "unresolved", query: "timeout", release: "", project: "", sort: "events", start: "2026-01-01T00:00:00Z" };

test("all that match are changed by the question, not by ids, and only when somebody confirms how many", async () => {
  const sent = vi.fn(async (_url: string, _options: RequestInit) => new Response('{"issues":[{},{}]}', { headers: { "Content-Type": "application/json" } }));
  vi.stubGlobal("fetch", sent);
  const asked = vi.fn((_words: string) => false);
  expect(await changeMatching(list, 1234, { status: "resolved" }, asked)).toBe(false);
  expect(asked.mock.calls[0]![0]).toContain("Resolve 1,234 issues");
  expect(sent).not.toHaveBeenCalled();

  expect(await changeMatching(list, 1234, { status: "resolved" }, () => true)).toBe(true);
  const [url, options] = sent.mock.calls[0]!;
  expect(options.method).toBe("PUT");
  expect(JSON.parse(String(options.body))).toEqual({ status: "resolved" });
  const params = new URL(url, "http://localhost").searchParams;
  expect(params.get("query")).toBe("timeout");
  expect(params.get("status")).toBe("unresolved");
  expect(params.get("start")).toBe(list.start);
});

test("what the server refuses is said, and nothing counts as changed", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => new Response('{"error":{"kind":"invalid_argument","message":"query: column 1: more than 10000 issues match"}}', { status: 400 })));
  expect(await changeMatching(list, 20_000, { status: "ignored" }, () => true)).toBe(false);
});
