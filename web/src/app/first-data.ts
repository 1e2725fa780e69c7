// The page that is open and the answers it begins with, before anything is drawn. Failures are left to the page: it asks
// again and says what went wrong.
import { herePath } from "../lib/base";
import type { Ask } from "../lib/asks";
import { firstAsks } from "../lib/first-asks";
import { openedAt, toldSession } from "../lib/head-start";
import { answerTo, queryClient } from "../lib/query";
import { pageReady } from "./routes";

const PATIENCE_MS = 150;
const TICK_MS = 10;
/** A moment of waiting, counted in ticks: while the processor is at work on the page's code they come late, and a first
    paint without the page would only be one more thing to do. */
export async function patience(): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += TICK_MS) await new Promise((done) => setTimeout(done, TICK_MS));
}

export async function firstData(): Promise<void> {
  const path = herePath();
  const asks = toldSession === null ? [] : firstAsks(path, new URLSearchParams(location.search), openedAt);
  await Promise.all([pageReady(path), ...asks.filter((a) => a.key !== null).map(ask)]);
}

async function ask(a: Ask): Promise<void> {
  const [queryKey, queryFn] = [a.key!, ({ signal }: { signal: AbortSignal }) => answerTo(a, signal)];
  if (a.pages) return queryClient.prefetchInfiniteQuery({ queryKey, queryFn, initialPageParam: {}, retry: false });
  await queryClient.prefetchQuery({ queryKey, queryFn, retry: false });
  const answer = queryClient.getQueryData(queryKey);
  const next = answer === undefined ? null : a.next?.(answer as never);
  if (next) await ask(next);
}
