// The requests a page begins with, from its path and search alone.
import {
  alertRulesAsk, type Ask, BUCKETS, cardinalityAsk, facetsAsk, firstPageAsk, groupField, histogramAsk, isLogQuery, issueAsk, issueEventsAsk, issueList, issuesAsk, logqlParams, metricNamesAsk, onStep, overviewAsk,
  patternsAsk,
  rangeQueryAsk, relatedAsk, risingIssues, rowParams, spansOfTraces, rulesAsk, spanParams, targetsAsk, traceAsk, traceParams, tracesAsk,
} from "./asks";
import { HAS_LOG_RULES } from "./features";
import { readMs, readRange, resolveRange } from "./time";

/** `path` without the UI's prefix; `now` is where relative ranges end. */
export function firstAsks(path: string, search: URLSearchParams, now: number): Ask[] {
  const range = resolveRange(readRange(search), now);
  const span = spanParams(range);
  const project = search.get("project") ?? "";
  const [, page = "", id = ""] = path.replace(/\/$/, "").split("/").map(decode);
  const list = id === "";
  if (page === "" && list) return [overviewAsk(span, project), issuesAsk(risingIssues(span, project))];
  if (page === "issues") {
    if (list) return [issuesAsk(issueList(search, span))];
    // The events are known by the issue's number only.
    return [issueAsk(id), ...(/^\d+$/.test(id) ? [issueEventsAsk(id, null)] : [])];
  }
  if (page === "logs" && list) {
    const written = search.get("lang") === "logql";
    const params = written ? logqlParams(search, span) : rowParams(search, span);
    const lines = search.get("live") !== "1" && (!written || isLogQuery(String(params["logql"])));
    const rows = !lines ? [] : [search.get("view") === "patterns" ? patternsAsk(params) : firstPageAsk("logs", params, search.get("order") === "oldest" ? "oldest" : "newest")];
    if (written) return rows;
    return [...rows, histogramAsk("logs", params, groupField(search.get("by")), BUCKETS), facetsAsk(params)];
  }
  if (page === "traces") {
    if (!list) return [traceAsk(id), relatedAsk(id)];
    return [tracesAsk(traceParams(search, span, readMs)), histogramAsk("spans", spansOfTraces(rowParams(search, span)), "service", BUCKETS)];
  }
  if (page === "metrics" && list) {
    if (search.get("tab") === "cardinality") return [cardinalityAsk(search.get("select") ?? "", search.get("label") ?? "", range)];
    const charts = search.get("view") === "table" ? [] : search.getAll("expr").filter(Boolean);
    return [...charts.slice(0, 8).map((expr) => rangeQueryAsk(expr, onStep(range), true)), metricNamesAsk];
  }
  if (page === "alerts" && list) return [rulesAsk(now), targetsAsk(now), ...(HAS_LOG_RULES ? [alertRulesAsk] : [])];
  return [];
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
