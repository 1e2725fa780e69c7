// One query: its text, its answer as a chart or a table, exemplars that lead to traces, and what it cost.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "preact/hooks";
import { MakeMenu } from "../../app/MakeMenu";
import { panelPainted } from "../../app/measure";
import { CopyButton, IconButton, Skeleton } from "../../kit";
import { formatOf, unitOfMetric } from "../../kit/chart";
import { MatrixChart } from "../../kit/chart/MatrixChart";
import { get } from "../../lib/api";
import { onStep, rangeQueryAsk } from "../../lib/asks";
import { drawsObservations, type Exemplar, exemplarsAsk, mayHaveExemplars, pickExemplars } from "../../lib/exemplars";
import { type Matrix, metricIn } from "../../lib/promql";
import { asQuery, useRange } from "../../lib/query";
import type { QueryStats, Shown } from "../../lib/query-cost";
import { Cost } from "./Cost";
import { ExemplarDots } from "./Exemplars";
import { type InstantData, InstantTable } from "./InstantTable";
import { QueryField } from "./QueryField";
import { unitOf } from "./unit";

interface Told<T> {
  data: T & { stats?: QueryStats };
  warnings?: string[];
}
type RangeAnswer = Told<{ result: Matrix[] }>;
type InstantAnswer = Told<InstantData>;
const NO_EXEMPLARS: readonly Exemplar[] = [];

/** What an answer holds, of either kind. */
function shownOf(data: { result: unknown }): Shown {
  const result = Array.isArray(data.result) ? (data.result as { values?: unknown[] }[]) : [];
  const vector = result.every((r) => typeof r === "object");
  return { series: vector ? result.length : 1, points: vector ? result.reduce((sum, r) => sum + (r.values?.length ?? 1), 0) : 1 };
}

interface PanelProps {
  letter: string;
  expr: string;
  view: "chart" | "table";
  tall: boolean;
  /** Exemplars as dots over the chart. */
  exemplars: boolean;
  onRun: (text: string) => void;
  onFocus: () => void;
  onRemove: (() => void) | undefined;
}
export function Panel(p: PanelProps) {
  const { start, end } = useRange();
  const grid = onStep({ start, end });
  const range = useQuery({
    ...asQuery(rangeQueryAsk<RangeAnswer>(p.expr, grid, true)),
    enabled: p.expr !== "" && p.view === "chart",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const instant = useQuery({
    queryKey: ["query", p.expr, Math.floor(end / 1000)],
    queryFn: ({ signal }) => get<InstantAnswer>("/api/v1/query", { query: p.expr, time: Math.floor(end / 1000), stats: "all" }, signal),
    enabled: p.expr !== "" && p.view === "table",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const dots = useQuery({
    ...asQuery(exemplarsAsk(p.expr, grid)),
    enabled: p.exemplars && p.view === "chart" && range.data !== undefined && mayHaveExemplars(p.expr),
    placeholderData: keepPreviousData,
    retry: false,
  }).data;
  const list = useMemo(() => (p.exemplars && dots ? pickExemplars(dots, { start, end }) : NO_EXEMPLARS), [p.exemplars, dots, start, end]);
  const byValue = drawsObservations(p.expr);
  const reach = useMemo(() => (byValue ? list.map((e) => e.value) : []), [byValue, list]);
  const unit = unitOf(p.expr);
  const answer = p.view === "chart" ? range : instant;
  const error = p.expr ? (answer.error as Error | null) : null;
  return (
    <section class="metrics-panel" aria-label={`Query ${p.letter}`}>
      <div class="row metrics-query">
        <div class="grow">
          <QueryField letter={p.letter} value={p.expr} error={error} onRun={p.onRun} onFocus={p.onFocus} />
        </div>
        {p.expr && <CopyButton text={p.expr} label="Copy the query" />}
        {p.expr && <MakeMenu language="promql" query={p.expr} />}
        {p.onRemove && <IconButton small icon="close" label={`Remove query ${p.letter}`} onClick={p.onRemove} />}
      </div>
      {answer.data?.warnings?.map((w) => (
        <p key={w} class="tone-warn">
          {w}
        </p>
      ))}
      {p.expr && !error && !answer.data && <Skeleton lines={4} />}
      {p.expr && p.view === "chart" && range.data && !range.error && <MatrixChart expr={p.expr} matrix={range.data.data.result} {...grid} height={p.tall ? 340 : 220} unit={unit} onPaint={(ms) => panelPainted("metrics-chart", ms)} reach={reach} overlay={list.length > 0 ? (place) => <ExemplarDots list={list} byValue={byValue} place={place} format={formatOf(byValue ? unit : unitOfMetric(metricIn(p.expr)))} /> : undefined} />}
      {p.expr && p.view === "table" && instant.data && !instant.error && <InstantTable expr={p.expr} data={instant.data.data} />}
      {p.expr && answer.data && !answer.error && <Cost stats={answer.data.data.stats} shown={shownOf(answer.data.data)} />}
    </section>
  );
}
