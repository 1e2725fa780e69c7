// Metrics: some queries, each drawn over the range or read as a table at its end. Queries, view and range are in the
// address, so that a link shows the same.
import "./metrics.css";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { FirstData } from "../../app/FirstData";
import { MakeMenu } from "../../app/MakeMenu";
import { panelPainted } from "../../app/measure";
import { Button, type Column, CopyButton, EmptyState, IconButton, Later, Segmented, Skeleton, Table } from "../../kit";
import { formatOf, unitOfMetric } from "../../kit/chart";
import { MatrixChart } from "../../kit/chart/MatrixChart";
import { get } from "../../lib/api";
import { useKeys } from "../../lib/keys";
import { isRated, type Matrix, metricIn } from "../../lib/promql";
import { metricNamesAsk, onStep, rangeQueryAsk } from "../../lib/asks";
import { asQuery, useRange } from "../../lib/query";
import { setUrl, useParam, useParams } from "../../lib/url";
import { Browser } from "./Browser";
import { QueryField } from "./QueryField";

const LETTERS = "ABCDEFGH";

export default function Metrics() {
  const params = useParams();
  const stored = params.getAll("expr");
  const exprs = stored.length > 0 ? stored.slice(0, LETTERS.length) : [""];
  const view = useParam("view") === "table" ? "table" : "chart";
  const [extra, setExtra] = useState(0);
  const [at, setAt] = useState(0);
  const [browsing, setBrowsing] = useState(true);
  const shown = [...exprs, ...Array.from({ length: extra }, () => "")].slice(0, LETTERS.length);
  const write = (index: number, text: string, how?: { replace: boolean }) => {
    const next = shown.map((e, i) => (i === index ? text.trim() : e));
    setUrl({ expr: next.filter(Boolean) }, how);
    setExtra(next.filter((e, i) => !e && i > 0).length);
  };
  const remove = (index: number) => {
    setUrl({ expr: shown.filter((_, i) => i !== index).filter(Boolean) });
    setExtra(Math.max(0, extra - (shown[index] ? 0 : 1)));
    setAt(0);
  };
  const asked = shown.filter(Boolean).length;
  const names = useQuery({ ...asQuery(metricNamesAsk), staleTime: 60_000 });
  useKeys([{ keys: "v", label: "Chart or table", group: "Metrics", run: () => setUrl({ view: view === "table" ? null : "table" }) }]);
  return (
    <div class="page metrics">
      <h1 class="hear-only">Metrics</h1>
      <aside class={browsing ? "metrics-browser" : "metrics-browser metrics-browser-off"} aria-label="Metric browser">
        <Later meanwhile={<Skeleton lines={10} />}>{() => <Browser onQuery={(expr) => write(Math.min(at, shown.length - 1), expr)} />}</Later>
      </aside>
      <div class="metrics-main">
        {shown.map((expr, i) => (
          <Panel
            key={i}
            letter={LETTERS[i]!}
            expr={expr}
            view={view}
            tall={asked <= 1}
            onRun={(text) => write(i, text)}
            onFocus={() => setAt(i)}
            onRemove={shown.length > 1 ? () => remove(i) : undefined}
          />
        ))}
        <div class="row row-wrap">
          <Button
            small
            icon="plus"
            disabled={shown.length >= LETTERS.length || shown.at(-1) === ""}
            onClick={() => {
              setExtra(extra + 1);
              setAt(shown.length);
            }}
          >
            Add a query
          </Button>
          <span class="phone-only">
            <Button small kind="quiet" on={browsing} onClick={() => setBrowsing(!browsing)}>
              Browse metrics
            </Button>
          </span>
          <span class="grow" />
          <Segmented label="View" value={view} options={[["chart", "Chart"], ["table", "Table"]]} onChange={(v) => setUrl({ view: v === "chart" ? null : v })} />
        </div>
        {asked === 0 && names.data?.length === 0 && <FirstData signal="metrics" title="No metric was received yet." />}
        {asked === 0 && names.data?.length !== 0 && (
          <EmptyState icon="metrics" title="Choose a metric, or write a query.">
            A metric's name is enough to begin with; the browser knows how to look at counters and histograms.
          </EmptyState>
        )}
      </div>
    </div>
  );
}

interface PanelProps {
  letter: string;
  expr: string;
  view: "chart" | "table";
  tall: boolean;
  onRun: (text: string) => void;
  onFocus: () => void;
  onRemove: (() => void) | undefined;
}
function Panel(p: PanelProps) {
  const { start, end } = useRange();
  const grid = onStep({ start, end });
  const range = useQuery({
    ...asQuery(rangeQueryAsk<{ data: { result: Matrix[] }; warnings?: string[] }>(p.expr, grid)),
    enabled: p.expr !== "" && p.view === "chart",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const instant = useQuery({
    queryKey: ["query", p.expr, Math.floor(end / 1000)],
    queryFn: ({ signal }) => get<{ data: InstantData; warnings?: string[] }>("/api/v1/query", { query: p.expr, time: Math.floor(end / 1000) }, signal),
    enabled: p.expr !== "" && p.view === "table",
    placeholderData: keepPreviousData,
    retry: false,
  });
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
      {p.expr && p.view === "chart" && range.data && !range.error && <MatrixChart expr={p.expr} matrix={range.data.data.result} {...grid} height={p.tall ? 340 : 220} unit={unitOf(p.expr)} onPaint={(ms) => panelPainted("metrics-chart", ms)} />}
      {p.expr && p.view === "table" && instant.data && !instant.error && <InstantTable expr={p.expr} data={instant.data.data} />}
    </section>
  );
}

const unitOf = (expr: string) => (/^\s*histogram_quantile/.test(expr) ? unitOfMetric(metricIn(expr)) : unitOfMetric(metricIn(expr), isRated(expr)));

type Sample = { metric: Record<string, string>; value?: [number, string]; histogram?: [number, { count: string; sum: string }] };
type InstantData = { resultType: string; result: Sample[] | [number, string] };

function InstantValue({ sample, format }: { sample: Sample; format: (v: number) => string }) {
  if (sample.histogram) {
    const { count, sum } = sample.histogram[1];
    return <span title={`A native histogram of ${count} observations, sum ${sum}`}>{count} observed</span>;
  }
  const text = sample.value?.[1];
  return <span title={text}>{text !== undefined && Number.isFinite(Number(text)) ? format(Number(text)) : (text ?? "–")}</span>;
}

function InstantTable({ expr, data }: { expr: string; data: InstantData }) {
  const rows: Sample[] = data.resultType === "vector" || data.resultType === "matrix" ? (data.result as Sample[]) : [{ metric: {}, value: data.result as [number, string] }];
  const labels = [...new Set(rows.flatMap((r) => Object.keys(r.metric)))].sort().slice(0, 8);
  const format = formatOf(unitOf(expr));
  const columns: Column<Sample>[] = [
    ...labels.map((l): Column<Sample> => ({ key: l, header: l === "__name__" ? "metric" : l, width: "minmax(70px, 1fr)", cell: (r) => r.metric[l] ?? <span class="faint">–</span> })),
    { key: "value", header: "Value", width: "130px", align: "end", cell: (r) => <InstantValue sample={r} format={format} /> },
  ];
  const sorted = [...rows].sort((a, b) => Number(b.value?.[1]) - Number(a.value?.[1]));
  if (rows.length === 0) return <p class="faint">No series at the end of this range.</p>;
  return (
    <div class="metrics-table" style={{ height: `${Math.min(rows.length * 34 + 32, 420)}px` }}>
      <Table fill label={expr} rows={sorted} columns={columns} rowKey={(r) => JSON.stringify(r.metric)} />
    </div>
  );
}
