// Rows page by page. A page ends where the next begins: at the time of its last row, which is asked for again, because
// others may share it; what was there already is dropped. A page whose search ran out of patience ends at the time it had
// come to, and the next one is asked for at once until there is something to look at.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "preact/hooks";
import { get } from "./api";
import { FIRST_PAGE, firstPageAsk, type Order, PAGE, PATIENCE_MS, type RowPage, type RowParams } from "./asks";
import type { Row, Table } from "./types";

export type { Order } from "./asks";
export { PAGE } from "./asks";

/** RFC 3339 with nine digits of fraction, a nanosecond later: the API's `end` is exclusive. */
export function nextInstant(time: string): string {
  const match = /^(.*?)(?:\.(\d{1,9}))?Z$/.exec(time);
  if (!match) return time;
  const nanos = Number((match[2] ?? "").padEnd(9, "0")) + 1;
  if (nanos < 1e9) return `${match[1]}.${String(nanos).padStart(9, "0")}Z`;
  return `${new Date(Date.parse(`${match[1]}Z`) + 1000).toISOString().slice(0, 19)}.000000000Z`;
}

const identity = (r: Row) => `${r.time}\n${r.project}\n${r.span_id ?? ""}\n${r.attributes["event_id"] ?? ""}\n${r.message}`;

/** Pages as one list; rows of the seam that two pages share appear once, rows that are twice in one page stay twice. */
export function joinPages(pages: readonly (readonly Row[])[]): Row[] {
  const out: Row[] = [];
  for (const page of pages) {
    const seam = out.at(-1)?.time;
    const seen = new Set<string>();
    for (let i = out.length - 1; i >= 0 && out[i]!.time === seam; i--) seen.add(identity(out[i]!));
    for (const row of page) if (row.time !== seam || !seen.has(identity(row))) out.push(row);
  }
  return out;
}

/** What the next page asks for, or null at the end. A page that is all of one instant steps over it. */
export function nextPage({ rows, reached }: RowPage, order: Order, size = PAGE): { start?: string; end?: string } | null {
  if (reached !== undefined) return order === "newest" ? { end: reached } : { start: reached };
  if (rows.length < size) return null;
  const last = rows.at(-1)!.time;
  const stuck = rows[0]!.time === last;
  if (order === "newest") return { end: stuck ? last : nextInstant(last) };
  return { start: stuck ? nextInstant(last) : last };
}

type PageStart = { start?: string; end?: string };
const isFirst = (at: PageStart) => at.start === undefined && at.end === undefined;

export function usePagedRows(table: Table, params: RowParams, order: Order, enabled = true) {
  const first = firstPageAsk(table, params, order);
  const result = useInfiniteQuery({
    queryKey: first.key!,
    queryFn: ({ pageParam, signal }) =>
      get<RowPage>(table, isFirst(pageParam) ? first.query : { ...params, ...pageParam, order, limit: PAGE, patience_ms: PATIENCE_MS }, signal),
    initialPageParam: {} as PageStart,
    getNextPageParam: (page, _all, at) => nextPage(page, order, isFirst(at) ? FIRST_PAGE : PAGE),
    placeholderData: keepPreviousData,
    enabled,
  });
  const rows = useMemo(() => joinPages(result.data?.pages.map((p) => p.rows) ?? []), [result.data]);
  const reached = result.isPlaceholderData ? undefined : result.data?.pages.at(-1)?.reached;
  const searching = enabled && reached !== undefined && rows.length < FIRST_PAGE && !result.isError;
  useEffect(() => {
    if (searching && !result.isFetching) void result.fetchNextPage();
  }, [searching, reached, result.isFetching]);
  /** The time a search that is still going on has come to. */
  return { ...result, rows, searched: searching ? reached : undefined };
}
