// What each page asks the server first, as a function of its address alone. Pages ask through it, and so does what runs
// before their code is there (`early.ts`): both must come to the same requests, to the letter.
import type { Query } from "./address";
import { filterText, readFilters } from "./filters";
import type { AlertRule } from "./log-rules";
import type { TsdbStatus } from "./cardinality";
import { withTerms } from "./search-terms";
import { chooseStep } from "./step";
import type { Span } from "./time";
import type { Facet, Histogram, Issue, Overview, PatternReport, Row, Table, TraceSummary } from "./types";

export interface Ask<T = unknown> {
  /** Of the query that shows it; null: it is only fetched beforehand. */
  key: readonly unknown[] | null;
  path: string;
  query: Query;
  /** From the answer to what the query holds; the answer itself without it. */
  read?: (answer: never) => T;
  /** Pages of rows: the first of them. */
  pages?: boolean;
  /** What the page asks once it has the answer. */
  next?: (answer: never) => Ask;
}
export type SpanParams = { start: string; end: string };
export type RowParams = Query & SpanParams;

export const spanParams = ({ start, end }: Span): SpanParams => ({ start: new Date(start).toISOString(), end: new Date(end).toISOString() });
/** Range, project, filters and text of an address, for the API. */
export function rowParams(search: URLSearchParams, span: SpanParams): RowParams {
  return { ...span, project: search.get("project") ?? "", query: search.get("q") ?? "", where: readFilters(search).map(filterText) };
}

/** Whether a query in LogQL gives lines; one that begins with a function or a parenthesis gives numbers. */
export const isLogQuery = (query: string) => /^\s*(\{|\|)/.test(query.replace(/#.*$/gm, ""));
/** Range, project and the query in LogQL of an address. */
export const logqlParams = (search: URLSearchParams, span: SpanParams): RowParams => ({ ...span, project: search.get("project") ?? "", logql: (search.get("expr") ?? "").trim() });

export const overviewAsk = (span: SpanParams, project: string): Ask<Overview> => ({ key: ["overview", span, project], path: "overview", query: { ...span, project } });

export interface IssueListParams extends Record<string, string | number | undefined> {
  status: string;
  query: string;
  release: string;
  project: string;
  sort: string;
  start?: string;
  end?: string;
}
export const ISSUE_LIMIT = 500;
export const issuesAsk = (params: IssueListParams): Ask<Issue[]> => ({
  key: ["issues", params],
  path: "issues",
  query: { ...params, limit: ISSUE_LIMIT },
  read: (a: { issues: Issue[]; total?: number; reached?: string }) => {
    issuesReached.set(JSON.stringify(params), a.reached ?? "");
    issuesTotal.set(JSON.stringify(params), a.total ?? a.issues.length);
    return a.issues;
  },
});
/** By the list's parameters: events before this time were not looked at; empty: all were. */
export const issuesReached = new Map<string, string>();
/** By the list's parameters: how many issues match, of which the list has the first ISSUE_LIMIT. */
export const issuesTotal = new Map<string, number>();
/** A second more than the range: its end is now, and what is seen now belongs to it. */
const issueEnd = (span: SpanParams) => new Date(Date.parse(span.end) + 1000).toISOString();
/** The issues that rise most, for the overview. */
export const risingIssues = (span: SpanParams, project: string): IssueListParams => ({
  status: "unresolved", query: "", release: "", project, sort: "trend", start: span.start, end: issueEnd(span),
});
export function issueList(search: URLSearchParams, span: SpanParams): IssueListParams {
  const status = search.get("status") || "unresolved";
  return {
    status: status === "all" || status === "bookmarked" ? "" : status,
    ...(status === "bookmarked" ? { bookmarked: "true" } : {}),
    query: withTerms(search.get("q") ?? "", readFilters(search)).query,
    release: "",
    project: search.get("project") ?? "",
    sort: search.get("sort") || "last_seen",
    start: span.start,
    end: issueEnd(span),
  };
}
export const issueAsk = (id: string): Ask<Issue> => ({
  key: ["issue", id],
  path: `issues/${encodeURIComponent(id)}`,
  query: {},
  read: (a: { issue: Issue }) => a.issue,
  next: (issue: Issue) => issueEventsAsk(String(issue.id), eventsKey(issue)),
});
export const ISSUE_EVENTS = 50;
/** Has the time the issue was seen last, so that the events follow the issue. */
export const eventsKey = (issue: Issue) => ["issue-events", issue.id, issue.last_seen];
/** One event of an issue, in a list of one; of none when it is not kept. */
export const issueEventAsk = (id: string, event: string): Ask<{ rows: Row[] }> => ({
  key: ["issue-event", id, event], path: `issues/${encodeURIComponent(id)}/events`, query: { event_id: event, limit: 1, payload: true },
});
export const issueEventsAsk = (id: string, key: readonly unknown[] | null): Ask<{ rows: Row[] }> => ({
  key, path: `issues/${encodeURIComponent(id)}/events`, query: { limit: ISSUE_EVENTS, payload: true },
});

export const histogramAsk = (table: Table, params: RowParams, by: string, buckets: number): Ask<Histogram> => ({
  key: ["histogram", table, by, buckets, params],
  path: `${table}/histogram`,
  query: { ...params, by, buckets },
});
export const BUCKETS = 72;
/** The field that lines over time are split by. */
export const groupField = (text: string | null) => (text && /^[\w.\-/@]{1,80}$/.test(text) ? text : "level");
export const facetsAsk = (params: RowParams): Ask<Facet[]> => ({
  key: ["facets", "logs", params],
  path: "logs/facets",
  query: { ...params, limit: 6 },
  read: (a: { facets: Facet[] }) => a.facets,
});

const PATTERN_BARS = 40;
export const patternsAsk = (params: RowParams): Ask<PatternReport> => ({ key: ["patterns", params], path: "logs/patterns", query: { ...params, buckets: PATTERN_BARS } });

export type Order = "newest" | "oldest";
/** The first page is small, so that it is there soon. */
export const FIRST_PAGE = 150;
export const PAGE = 500;
/** A search through much ends after this with what it has; the next page goes on. */
export const PATIENCE_MS = 1500;
export interface RowPage {
  rows: Row[];
  /** The time that a search has come to whose patience ended. */
  reached?: string;
}
export const firstPageAsk = (table: Table, params: RowParams, order: Order): Ask<RowPage> => ({
  key: ["paged", table, order, params],
  path: table,
  query: { ...params, order, limit: FIRST_PAGE, patience_ms: PATIENCE_MS },
  pages: true,
});

export const TRACE_PAGE = 200;
export const tracesAsk = (params: Query): Ask<TraceList> => ({ key: ["traces", params], path: "traces", query: { ...params, limit: TRACE_PAGE }, pages: true });
export interface TraceList {
  traces: TraceSummary[];
  complete: boolean;
  next?: string;
}
/** What narrows the list beside filters: durations as people write them, and whether it failed. */
export function traceParams(search: URLSearchParams, span: SpanParams, readMs: (text: string) => number | null): Query {
  return {
    ...rowParams(search, span),
    min_duration_ms: readMs(search.get("min") ?? ""),
    max_duration_ms: readMs(search.get("max") ?? ""),
    errors_only: search.get("failed") === "1" || null,
  };
}
/** Spans are counted by the query of the list; to rows `query` is plain text. */
export const spansOfTraces = ({ query, ...rest }: RowParams): RowParams => ({ ...rest, search: query });
export const traceAsk = (id: string): Ask<Row[]> => ({ key: ["trace", id], path: `traces/${encodeURIComponent(id)}`, query: {}, read: (a: { spans: Row[] }) => a.spans });
export interface RelatedRows {
  logs: Row[];
  spans: Row[];
  errors: Row[];
  issues: Issue[];
}
export const relatedAsk = (traceId?: string, requestId?: string): Ask<RelatedRows> => ({
  key: ["related", traceId ?? "", traceId ? "" : (requestId ?? "")],
  path: "related",
  query: traceId ? { trace_id: traceId } : { request_id: requestId },
});

/** A query's steps lie on their own grid, so that a refresh draws the same points again. */
export function onStep({ start, end }: Span, most?: number): { from: number; to: number; step: number } {
  const step = chooseStep(end - start, most);
  return { from: Math.ceil(start / 1000 / step) * step, to: Math.floor(end / 1000 / step) * step, step };
}
/** `stats`: with what the query cost. */
export const rangeQueryAsk = <T>(expr: string, { from, to, step }: ReturnType<typeof onStep>, stats = false): Ask<T> => ({
  key: ["query_range", expr, from, to, step, stats],
  path: "/api/v1/query_range",
  query: { query: expr, start: from, end: to, step, stats: stats ? "all" : null },
  // A series of native histograms alone comes without values: there are no numbers to draw.
  read: (a: { data: { result: { values?: unknown[] }[] } }) => {
    for (const s of a.data.result) s.values ??= [];
    return a as unknown as T;
  },
});
export const metricNamesAsk: Ask<string[]> = { key: ["metric-names"], path: "/api/v1/label/__name__/values", query: {}, read: (a: { data: string[] }) => a.data };
/** Entries of each list. */
const TOP = 100;
/** More than is shown, so that what is missing here was not there. */
export const TOP_BEFORE = 2000;
const DAY_S = 86_400;

/** Where the series come from that a selector names (all without one), and what values a label has in them. */
export function cardinalityAsk(select: string, focus: string, { start, end }: Span, daysAgo = 0): Ask<TsdbStatus> {
  // Whole minutes: a refresh within one asks for the same.
  const at = (ms: number) => Math.floor(ms / 60_000) * 60 - daysAgo * DAY_S;
  const query = { "match[]": select, focusLabel: focus, start: at(start), end: at(end) + 60, limit: daysAgo > 0 ? TOP_BEFORE : TOP };
  return { key: ["cardinality", query], path: "/api/v1/status/tsdb", query, read: (a: { data: TsdbStatus }) => a.data };
}
export const rulesAsk = <T>(now: number): Ask<T> => ({ key: ["rules", now], path: "/api/v1/rules", query: {}, read: (a: { data: { groups: T } }) => a.data.groups });
/** Rules that were made here, not in files. */
export const alertRulesAsk: Ask<AlertRule[]> = { key: ["alert-rules"], path: "alert-rules", query: {}, read: (a: { rules: AlertRule[] }) => a.rules };
export const targetsAsk = <T>(now: number): Ask<T> => ({ key: ["targets", now], path: "/api/v1/targets", query: {}, read: (a: { data: T }) => a.data });
