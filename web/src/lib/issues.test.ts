// Changes that show at once, against answers that were on their way.
import { afterEach, expect, test, vi } from "vitest";
import { markIssues } from "./issues";
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
