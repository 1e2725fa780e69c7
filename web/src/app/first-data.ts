// The page that is open and the answers it begins with, before anything is drawn. Failures are left to the page: it asks
// again and says what went wrong.
import { herePath } from "../lib/base";
import { firstAsks } from "../lib/first-asks";
import { openedAt, toldSession } from "../lib/head-start";
import { answerTo, queryClient } from "../lib/query";
import { pageReady } from "./routes";

export async function firstData(): Promise<void> {
  const path = herePath();
  const asks = toldSession === null ? [] : firstAsks(path, new URLSearchParams(location.search), openedAt);
  await Promise.all([pageReady(path), ...asks.filter((a) => a.key !== null).map(ask)]);
}

const ask = (a: ReturnType<typeof firstAsks>[number]) => {
  const [queryKey, queryFn] = [a.key!, ({ signal }: { signal: AbortSignal }) => answerTo(a, signal)];
  if (!a.pages) return queryClient.prefetchQuery({ queryKey, queryFn, retry: false });
  return queryClient.prefetchInfiniteQuery({ queryKey, queryFn, initialPageParam: {}, retry: false });
};
