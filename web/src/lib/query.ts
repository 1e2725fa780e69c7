// Server state. One client; queries are keyed by what they ask, relative ranges by the moment of the last refresh, so
// that a refresh shows the old answer until the new one is there.
import { QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError, get } from "./api";
import type { Ask } from "./asks";
import { spanParams } from "./asks";
import { openedAt } from "./head-start";
import { prefs } from "./prefs";
import { store, useStore } from "./store";
import { type Range, resolveRange, type Span } from "./time";
import { useRangeParam } from "./url";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < 4 && error instanceof ApiError && (error.status === 0 || error.status === 503 || error.status === 502),
      retryDelay: (failures) => Math.min(1000 * 2 ** failures, 8000),
      placeholderData: <T,>(before: T | undefined) => before,
    },
  },
});

/** The moment all relative ranges end at. */
const refreshedAt = store(openedAt);
export const refreshNow = () => refreshedAt.set(Date.now());

/** Refreshes relative ranges as often as the person chose, while the page can be seen. */
export function useAutoRefresh(): void {
  const { refresh } = useStore(prefs);
  const [range] = useRangeParam();
  const on = range.kind === "relative" && refresh > 0;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => document.visibilityState === "visible" && refreshNow(), refresh * 1000);
    const shown = () => document.visibilityState === "visible" && Date.now() - refreshedAt.get() > refresh * 1000 && refreshNow();
    document.addEventListener("visibilitychange", shown);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [on, refresh]);
}

export interface RangeState extends Span {
  range: Range;
  setRange(range: Range): void;
  /** For the API: `{start, end}` as RFC 3339. */
  params: { start: string; end: string };
}
export function useRange(): RangeState {
  const [range, setRange] = useRangeParam();
  const now = useStore(refreshedAt);
  return useMemo(() => {
    const { start, end } = resolveRange(range, now);
    return { range, setRange, start, end, params: spanParams({ start, end }) };
  }, [range, now]);
}
/** A clock for ages ("5m ago"), as of the last refresh. */
export const useNow = () => useStore(refreshedAt);

const LONGEST_UNQUIET_MS = 2000;
/** Calls `run` when the page has what it asked for and the browser has nothing to do, or after a while all the same:
    for what a page can be read without. Gives the way to call it off. */
export function whenQuiet(run: () => void): () => void {
  const latest = performance.now() + LONGEST_UNQUIET_MS;
  const idle = window.requestIdleCallback ?? ((f: () => void) => setTimeout(f, 50)); // Safari has none
  let off = false;
  const look = () => {
    if (off) return;
    if (queryClient.isFetching() === 0 || performance.now() > latest) run();
    else setTimeout(() => idle(look, { timeout: 500 }), 50);
  };
  idle(look, { timeout: 500 });
  return () => (off = true);
}

/** The answer to an ask, as its query holds it. */
export async function answerTo<T>(ask: Ask<T>, signal?: AbortSignal): Promise<T> {
  const answer = await get<never>(ask.path, ask.query, signal);
  return ask.read ? ask.read(answer) : answer;
}
/** An ask as a query: its key and how it is answered. */
export const asQuery = <T>(ask: Ask<T>) => ({ queryKey: ask.key!, queryFn: ({ signal }: { signal: AbortSignal }) => answerTo(ask, signal) });
