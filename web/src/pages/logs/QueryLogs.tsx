// Logs by LogQL: the query, then what it gives. Lines come with their volume over time; numbers come as a chart.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { panelPainted } from "../../app/measure";
import { Button, CopyButton, EmptyState, ErrorNotice, Loaded, pageValues, Segmented, Skeleton } from "../../kit";
import { Chart, unitOfMetric } from "../../kit/chart";
import { MatrixChart } from "../../kit/chart/MatrixChart";
import type { ChartSeries } from "../../kit/chart";
import { grid, onGrid } from "../../kit/chart";
import type { Editor } from "../../kit/editor/core";
import { EditorField } from "../../kit/editor/EditorField";
import { get } from "../../lib/api";
import { onStep } from "../../lib/asks";
import { plural } from "../../lib/format";
import { levelLook } from "../../lib/histogram";
import { useKeys } from "../../lib/keys";
import { isLogQuery, type LokiData, type LokiStream, narrowed, nanosOf, readLogqlPosition, rowsOf, volumeOf } from "../../lib/logql";
import { joinPages, nextPage, type Order } from "../../lib/page-rows";
import type { Matrix } from "../../lib/promql";
import { useRange } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";
import { ColumnMenu } from "./ColumnMenu";
import { LogDrawer } from "./LogDrawer";
import { LogList } from "./LogList";

const PAGE = 500;
const run = (expr: string) => setUrl({ expr: expr.trim(), row: null });

export default function QueryLogs() {
  const expr = useParam("expr");
  const order: Order = useParam("order") === "oldest" ? "oldest" : "newest";
  const editor = useRef<Editor | null>(null);
  const lines = expr !== "" && isLogQuery(expr);
  const volume = useMatrix(lines ? volumeOf : null, expr);
  const numbers = useMatrix(!lines && expr ? (query) => query : null, expr);
  const found = useLines(expr, order, lines);
  const error = (lines ? found.error : numbers.error) as Error | null;
  const place = error ? readLogqlPosition(error.message, expr) : null;
  useEffect(() => {
    const change = (field: string, op: "=" | "!=", value: string) => {
      const next = narrowed(expr, field, op, value);
      if (next) run(next);
    };
    pageValues.set({
      instead: (field, value) =>
        lines
          ? [
              { label: `${field} = ${value}`, icon: "filter", run: () => change(field, "=", value) },
              { label: `${field} ≠ ${value}`, icon: "minus", run: () => change(field, "!=", value) },
            ]
          : [],
    });
    return () => pageValues.set(null);
  }, [expr, lines]);
  useKeys([{ keys: "/", label: "Write the query", group: "Logs", run: () => editor.current?.focus() }]);
  return (
    <div class="page page-fill logs">
      <h1 class="hear-only">Logs</h1>
      <div class="row logs-query">
        <EditorField label="LogQL query" value={expr} load={() => import("./logql-editor")} error={error} place={place} onRun={run} onReady={(e) => (editor.current = e)} />
        {expr && <CopyButton text={expr} label="Copy the query" />}
      </div>
      <div class="logs-bar row">
        <span class="num muted" aria-live="polite">
          {lines && volume.data ? plural(totalOf(volume.data.matrix), "line") : ""}
        </span>
        <span class="grow" />
        {lines && (
          <>
            <span class="wide-only">
              <ColumnMenu />
            </span>
            <Segmented label="Order" value={order} options={[["newest", "Newest"], ["oldest", "Oldest"]]} onChange={(v) => setUrl({ order: v === "newest" ? null : v })} />
          </>
        )}
        <Button small kind="quiet" onClick={() => setUrl({ lang: null, expr: null, row: null })}>
          Back to filters
        </Button>
      </div>
      {expr === "" && (
        <EmptyState icon="logs" title="Write a query in LogQL.">
          Begin with a selector such as {"{service_name=\"shop\"}"}; Ctrl+Space offers labels and what may follow.
        </EmptyState>
      )}
      {lines && !error && (
        <>
          <div class="logs-histogram">
            {volume.error ? <ErrorNotice error={volume.error} small /> : <Volume answer={volume.data} />}
          </div>
          <div class="logs-body">
            <Loaded result={found} skeleton={<Skeleton lines={14} />}>
              {() =>
                found.rows.length === 0 ? (
                  <div class="grow">
                    <EmptyState icon="search" title="No line matches in this range." />
                  </div>
                ) : (
                  <LogList key={order} rows={found.rows} onEnd={() => found.hasNextPage && !found.isFetchingNextPage && void found.fetchNextPage()} />
                )
              }
            </Loaded>
          </div>
          <LogDrawer rows={found.rows} />
        </>
      )}
      {!lines && expr !== "" && !error && (numbers.data ? <Numbers expr={expr} answer={numbers.data} /> : <Skeleton lines={6} />)}
    </div>
  );
}

interface MatrixAnswer {
  matrix: Matrix[];
  from: number;
  to: number;
  step: number;
}
/** A query over the range, on its steps' own grid. */
function useMatrix(make: ((expr: string, stepS: number) => string) | null, expr: string) {
  const { start, end } = useRange();
  const on = onStep({ start, end }, make === volumeOf ? 72 : 300);
  // Counts are of the step before their time: the last, which has only begun, counts too.
  const at = make === volumeOf ? { ...on, to: Math.ceil(end / 1000 / on.step) * on.step } : on;
  const query = make ? make(expr, at.step) : "";
  return useQuery({
    queryKey: ["logql-range", query, at.from, at.to, at.step],
    queryFn: async ({ signal }): Promise<MatrixAnswer> => {
      const { data } = await get<{ data: LokiData }>("/loki/api/v1/query_range", { query, start: `${at.from}000000000`, end: `${at.to}000000000`, step: `${at.step}s` }, signal);
      return { matrix: data.resultType === "matrix" ? data.result : [], ...at };
    },
    enabled: make !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function useLines(expr: string, order: Order, on: boolean) {
  const { params } = useRange();
  const result = useInfiniteQuery({
    queryKey: ["logql-lines", expr, order, params],
    queryFn: async ({ pageParam, signal }) => {
      const { start, end } = { ...params, ...pageParam };
      const { data } = await get<{ data: LokiData }>(
        "/loki/api/v1/query_range",
        { query: expr, start: nanosOf(start), end: nanosOf(end), limit: PAGE, direction: order === "newest" ? "backward" : "forward" },
        signal,
      );
      return rowsOf(data.resultType === "streams" ? (data.result as LokiStream[]) : [], order);
    },
    initialPageParam: {} as { start?: string; end?: string },
    getNextPageParam: (page) => nextPage(page, order, PAGE),
    placeholderData: keepPreviousData,
    enabled: on,
    retry: false,
  });
  const rows = useMemo(() => joinPages(result.data?.pages ?? []), [result.data]);
  return { ...result, rows };
}

const totalOf = (matrix: readonly Matrix[]) => matrix.reduce((sum, m) => sum + m.values.reduce((n, [, v]) => n + (Number(v) || 0), 0), 0);

function Volume({ answer }: { answer: MatrixAnswer | undefined }) {
  const { x, series } = useMemo(() => {
    if (!answer) return { x: [] as number[], series: [] as ChartSeries[] };
    const x = grid(answer.from, answer.to, answer.step);
    const levels = answer.matrix.map((m) => ({ level: m.metric["detected_level"] ?? "unknown", values: onGrid(m.values, x, answer.step) }));
    return { x: x.map((t) => t - answer.step), series: levels.sort((a, b) => levelLook(b.level).rank - levelLook(a.level).rank).map((l): ChartSeries => ({ name: l.level, values: l.values, color: levelLook(l.level).color })) };
  }, [answer]);
  return <Chart plain title="Log lines by level" kind="bars" stacked legend="none" unit="count" height={96} x={x} series={series} onPaint={(ms) => panelPainted("logs-histogram", ms)} />;
}

function Numbers({ expr, answer }: { expr: string; answer: MatrixAnswer }) {
  if (answer.matrix.length === 0) return <EmptyState icon="metrics" title="The query gives no numbers in this range." />;
  return <MatrixChart expr={expr} matrix={answer.matrix} from={answer.from} to={answer.to} step={answer.step} height={340} unit={unitOfMetric("")} onPaint={(ms) => panelPainted("logql-chart", ms)} />;
}
