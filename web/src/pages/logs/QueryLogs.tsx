// Logs by LogQL: the query, then what it gives. Lines come with their volume over time, their patterns, and live as they
// arrive; numbers come as a chart.
import { Suspense, lazy } from "preact/compat";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { MakeMenu } from "../../app/MakeMenu";
import { panelPainted } from "../../app/measure";
import { Button, CopyButton, EmptyState, ErrorNotice, Loaded, pageValues, Skeleton } from "../../kit";
import { Chart, type ChartSeries, grid, onGrid, unitOfMetric } from "../../kit/chart";
import { MatrixChart } from "../../kit/chart/MatrixChart";
import { EditorField } from "../../kit/editor/EditorField";
import { groupField, isLogQuery, logqlParams } from "../../lib/asks";
import { plural } from "../../lib/format";
import { levelLook } from "../../lib/histogram";
import { useKeys } from "../../lib/keys";
import { labelName, narrowed, readLogqlPosition, volumeOf } from "../../lib/logql";
import { type Order, usePagedRows } from "../../lib/page-rows";
import { type Matrix, mostOf } from "../../lib/promql";
import { useRange } from "../../lib/query";
import { type MatrixAnswer, useMatrix } from "../../lib/range-query";
import { useTail } from "../../lib/tail";
import { setUrl, useParam, useParams } from "../../lib/url";
import { groupBy, LogsBar, toggleLive, togglePatterns } from "./Bar";
import { useHeld } from "./held";
import { LiveLines } from "./Live";
import { LogList } from "./LogList";
import { patternsPart } from "./parts";

const LogDrawer = lazy(() => import("./LogDrawer"));
const run = (expr: string, more = {}) => setUrl({ expr: expr.trim(), row: null, ...more });
const leave = () => setUrl({ lang: null, expr: null, row: null });

export default function QueryLogs() {
  const expr = useParam("expr").trim();
  const lines = expr !== "" && isLogQuery(expr);
  const numbers = useMatrix("logql", !lines && expr ? () => expr : null, { counts: true, key: "numbers" });
  const field = useRef<{ focus(): void } | null>(null);
  const [linesError, setLinesError] = useState<Error | null>(null);
  const error = lines ? linesError : expr ? (numbers.error as Error | null) : null;
  const place = error ? readLogqlPosition(error.message, expr) : null;
  useKeys([{ keys: "/", label: "Write the query", group: "Logs", run: () => field.current?.focus() }]);
  return (
    <div class="page page-fill logs">
      <h1 class="hear-only">Logs</h1>
      <div class="row logs-query">
        <EditorField label="LogQL query" value={expr} load={() => import("./logql-editor")} error={error} place={place} onRun={run} field={field} />
        {expr && <CopyButton text={expr} label="Copy the query" />}
      </div>
      {lines && <Lines key={expr} expr={expr} onError={setLinesError} />}
      {!lines && (
        <div class="logs-bar row">
          <span class="grow" />
          {expr && <MakeMenu language="logql" query={expr} />}
          <BackButton />
        </div>
      )}
      {expr === "" && (
        <EmptyState icon="logs" title="Write a query in LogQL.">
          Begin with a selector such as {"{service_name=\"shop\"}"}; Ctrl+Space offers labels and what may follow.
        </EmptyState>
      )}
      {!lines && expr !== "" && !error && (numbers.data ? <Numbers expr={expr} answer={numbers.data} /> : <Skeleton lines={6} />)}
    </div>
  );
}

const BackButton = () => (
  <Button small kind="quiet" onClick={leave}>
    Back to filters
  </Button>
);

function Lines({ expr, onError }: { expr: string; onError: (e: Error | null) => void }) {
  const search = useParams();
  const { params: span } = useRange();
  const params = useMemo(() => logqlParams(search, span), [search.get("project"), expr, span]);
  const order: Order = search.get("order") === "oldest" ? "oldest" : "newest";
  const live = search.get("live") === "1";
  const patterns = search.get("view") === "patterns" && !live;
  const by = groupField(search.get("by"));
  const opened = search.has("row");
  const [away, setAway] = useState(false);
  const volume = useMatrix("logql", (stepS) => volumeOf(expr, stepS, by), { points: 72, counts: true, key: `volume ${by}` });
  const stored = usePagedRows("logs", useHeld(params, away), order, !live && !patterns);
  const tail = useTail("logs", { logql: expr, project: params["project"] }, live, away);
  const rows = live ? tail.rows : stored.rows;
  const error = (stored.error ?? (live || patterns ? volume.error : null)) as Error | null;
  useEffect(() => {
    onError(error);
    return () => onError(null);
  }, [error]);
  useEffect(() => {
    const change = (field: string, op: "=" | "!=", value: string) => {
      const next = narrowed(expr, field, op, value);
      if (next) run(next);
    };
    pageValues.set({
      instead: (field, value) => [
        { label: `${field} = ${value}`, icon: "filter", run: () => change(field, "=", value) },
        { label: `${field} ≠ ${value}`, icon: "minus", run: () => change(field, "!=", value) },
      ],
      beside: (field) => [{ label: `Group by ${field}`, icon: "group", run: () => groupBy(field) }],
    });
    return () => pageValues.set(null);
  }, [expr]);
  useKeys([
    { keys: "l", label: "Live on and off", group: "Logs", run: () => toggleLive(live) },
    { keys: "p", label: "Lines or patterns", group: "Logs", run: () => togglePatterns(patterns) },
  ]);
  return (
    <>
      <LogsBar total={volume.data && !error ? plural(totalOf(volume.data.matrix), "line") : ""} searched={stored.searched} {...{ live, tail, patterns, order, by, params }} query={expr}>
        <BackButton />
      </LogsBar>
      {!error && (
        <>
          <div class="logs-histogram">{volume.error ? <ErrorNotice error={volume.error} small /> : <Volume answer={volume.data} by={by} />}</div>
          <div class="logs-body">
            {live ? (
              <LiveLines tail={tail} onAway={setAway} away={away} />
            ) : patterns ? (
              <Suspense fallback={<Skeleton lines={10} />}>
                <patternsPart.page params={params} onOnly={(p) => run(`${expr} ${p.select.logql}`, { view: null })} onLeaveOut={(p) => run(`${expr} ${p.exclude.logql}`)} />
              </Suspense>
            ) : (
              <Loaded result={stored} skeleton={<Skeleton lines={14} />}>
                {() =>
                  rows.length === 0 && stored.searched !== undefined ? (
                    <Skeleton lines={14} />
                  ) : rows.length === 0 ? (
                    <div class="grow">
                      <EmptyState icon="search" title="No line matches in this range." />
                    </div>
                  ) : (
                    <LogList key={order} rows={rows} onAway={setAway} onEnd={() => stored.hasNextPage && !stored.isFetchingNextPage && void stored.fetchNextPage()} />
                  )
                }
              </Loaded>
            )}
          </div>
          <Suspense fallback={null}>{opened && <LogDrawer rows={rows} />}</Suspense>
        </>
      )}
    </>
  );
}

const totalOf = (matrix: readonly Matrix[]) => matrix.reduce((sum, m) => sum + m.values.reduce((n, [, v]) => n + (Number(v) || 0), 0), 0);

const DRAWN = 8;
function Volume({ answer, by }: { answer: MatrixAnswer | undefined; by: string }) {
  const { x, series } = useMemo(() => {
    if (!answer) return { x: [] as number[], series: [] as ChartSeries[] };
    const at = grid(answer.from, answer.to, answer.step);
    const x = at.map((t) => t - answer.step);
    const named = mostOf(answer.matrix, by === "level" ? 20 : DRAWN).map((m) => ({ name: m.metric[labelName(by)] || (by === "level" ? "unknown" : "none"), values: onGrid(m.values, at, answer.step) }));
    if (by !== "level") return { x, series: named satisfies ChartSeries[] };
    return { x, series: named.sort((a, b) => levelLook(b.name).rank - levelLook(a.name).rank).map((l): ChartSeries => ({ ...l, color: levelLook(l.name).color })) };
  }, [answer, by]);
  return <Chart plain title={`Log lines by ${by}`} kind="bars" stacked legend={by === "level" ? "none" : "line"} unit="count" height={96} x={x} series={series} onPaint={(ms) => panelPainted("logs-histogram", ms)} />;
}

function Numbers({ expr, answer }: { expr: string; answer: MatrixAnswer }) {
  if (answer.matrix.length === 0) return <EmptyState icon="metrics" title="The query gives no numbers in this range." />;
  return <MatrixChart expr={expr} matrix={answer.matrix} from={answer.from} to={answer.to} step={answer.step} height={340} unit={unitOfMetric("")} onPaint={(ms) => panelPainted("logql-chart", ms)} />;
}
