// Traces: how many spans and how many failed over time, then one row a trace, with what narrows them: how long, failed
// only, any field of any span.
import "./traces.css";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "preact/hooks";
import { navigate } from "../../lib/base";
import { FirstData } from "../../app/FirstData";
import { Link } from "../../app/Link";
import { prefetch } from "../../app/routes";
import { panelPainted } from "../../app/measure";
import { Button, type Column, Loaded, Skeleton, Table, Value } from "../../kit";
import { Chart } from "../../kit/chart";
import { get } from "../../lib/api";
import { spansOfTraces, type TraceList, traceParams, tracesAsk } from "../../lib/asks";
import { useListKeys } from "../../lib/cursor";
import { count, duration, plural } from "../../lib/format";
import { useHistogram } from "../../lib/histogram";
import { prefs } from "../../lib/prefs";
import { useRange } from "../../lib/query";
import { useFilterParams } from "../../lib/rows";
import { useSearchProblem } from "../../lib/search";
import { Searched } from "../../kit/Searched";
import { useStore } from "../../lib/store";
import { formatDateTime, formatTime, readMs } from "../../lib/time";
import { pageLink, setUrl, useParam, useParams } from "../../lib/url";
import { Scatter } from "./Scatter";
import type { TraceSummary } from "./types";

export default function Traces() {
  const params = useFilterParams();
  const min = useParam("min");
  const max = useParam("max");
  const failed = useParam("failed") === "1";
  const { start, end, params: span } = useRange();
  const ask = tracesAsk(traceParams(useParams(), span, readMs));
  const traces = useInfiniteQuery({
    queryKey: ask.key!,
    queryFn: ({ pageParam, signal }) => get<TraceList>(ask.path, { ...ask.query, ...pageParam }, signal),
    initialPageParam: {} as { before?: string },
    getNextPageParam: (page) => (page.next ? { before: page.next } : null),
    placeholderData: keepPreviousData,
  });
  useSearchProblem(traces.error);
  const histogram = useHistogram("spans", spansOfTraces(params), "service");
  const series = useMemo(() => histogram.series.map(({ color: _, ...s }) => s), [histogram.series]);
  const rows = useMemo(() => traces.data?.pages.flatMap((p) => p.traces) ?? [], [traces.data]);
  const more = traces.hasNextPage;
  const open = (t: TraceSummary) => navigate(pageLink(`/traces/${t.trace_id}`, location.search, ["range", "from", "to", "project"]));
  const { cursor } = useListKeys(rows, (t) => t.trace_id, open);
  const slowest = Math.max(1, ...rows.map((t) => t.duration_ms));
  const columns = useColumns(slowest, end - start > 86_400_000);
  return (
    <div class="page page-fill traces">
      <h1 class="hear-only">Traces</h1>
      <div class="traces-charts">
        <Scatter traces={rows} cut={more} table={rows.length > 0 ? "traces-table" : undefined} onOpen={open} />
        <Chart title="Spans by service" kind="bars" stacked legend="none" unit="count" height={118} x={histogram.x} series={series} onPaint={(ms) => panelPainted("spans-histogram", ms)} />
      </div>
      <div class="row row-wrap traces-bar">
        <span class="muted num" aria-live="polite">
          {traces.data && (more ? `The newest ${count(rows.length)} traces` : plural(rows.length, "trace"))}
        </span>
        <span class="grow" />
        <DurationField name="min" label="At least" value={min} />
        <DurationField name="max" label="At most" value={max} />
        <Button small on={failed} onClick={() => setUrl({ failed: failed ? null : "1" })}>
          Failed only
        </Button>
      </div>
      <Searched error={traces.error}>
      <Loaded result={traces} skeleton={<Skeleton lines={12} />}>
        {() =>
          rows.length === 0 ? (
            <FirstData signal="spans" title="No trace matches in this range." />
          ) : (
            <Table<TraceSummary>
              fill
              id="traces-table"
              label="Traces"
              rows={rows}
              columns={columns}
              rowKey={(t) => t.trace_id}
              cursor={cursor}
              onOpen={open}
              onIntent={() => prefetch("/traces/x")}
              onEnd={() => more && !traces.isFetchingNextPage && void traces.fetchNextPage()}
            />
          )
        }
      </Loaded>
      </Searched>
    </div>
  );
}

function DurationField({ name, label, value }: { name: "min" | "max"; label: string; value: string }) {
  const [text, setText] = useState(value);
  const wrong = text.trim() !== "" && readMs(text) === null;
  const commit = () => !wrong && setUrl({ [name]: text.trim() || null });
  return (
    <label class="row traces-duration">
      <span class="muted">{label}</span>
      <input
        class="input num"
        value={text}
        placeholder={name === "min" ? "250ms" : "5s"}
        aria-invalid={wrong || undefined}
        onInput={(e) => setText(e.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(e) => e.key === "Enter" && commit()}
      />
    </label>
  );
}

function useColumns(slowest: number, days: boolean): Column<TraceSummary>[] {
  const { zone } = useStore(prefs);
  return [
    {
      key: "start",
      header: "Start",
      width: days ? "150px" : "82px",
      wide: true,
      cell: (t) => <span class="num muted">{days ? formatDateTime(Date.parse(t.start), zone) : formatTime(Date.parse(t.start), zone)}</span>,
    },
    {
      key: "root",
      header: "Trace",
      width: "minmax(140px, 1fr)",
      cell: (t) => (
        <Link to={`/traces/${t.trace_id}`} keep={["range", "from", "to", "project"]} class="trace-root">
          {t.error_count > 0 && <span class="tone-bad" title="Failed">✕ </span>}
          <span class="strong">{t.root_service}</span> {t.root_name || "(root not received)"}
        </Link>
      ),
    },
    { key: "duration", header: "Duration", width: "minmax(110px, 0.6fr)", cell: (t) => <DurationBar trace={t} slowest={slowest} /> },
    { key: "spans", header: "Spans", width: "56px", align: "end", wide: true, cell: (t) => count(t.span_count) },
    { key: "errors", header: "Failed", width: "56px", align: "end", cell: (t) => (t.error_count > 0 ? <span class="tone-bad strong">{count(t.error_count)}</span> : <span class="faint">–</span>) },
    {
      key: "services",
      header: "Services",
      width: "minmax(110px, 0.5fr)",
      wide: true,
      cell: (t) => (
        <span class="row">
          {t.services.slice(0, 4).map((s) => (
            <Value key={s} field="service" value={s} />
          ))}
          {t.services.length > 4 && <span class="faint">+{t.services.length - 4}</span>}
        </span>
      ),
    },
    {
      key: "issues",
      header: "Issues",
      width: "92px",
      wide: true,
      cell: (t) =>
        t.issue_ids.length === 0 ? (
          <span class="faint">–</span>
        ) : (
          <span class="row">
            {t.issue_ids.slice(0, 3).map((id) => (
              <Link key={id} to={`/issues/${id}`} keep={["range", "from", "to", "project"]}>
                #{id}
              </Link>
            ))}
          </span>
        ),
    },
  ];
}

/** On a scale of its square root, so that short ones are not all the same. */
function DurationBar({ trace: t, slowest }: { trace: TraceSummary; slowest: number }) {
  return (
    <span class="trace-duration">
      <span class="num">{duration(t.duration_ms)}</span>
      <span class="trace-bar-space" aria-hidden="true">
        <i class={t.error_count > 0 ? "trace-bar-fill failed" : "trace-bar-fill"} style={{ width: `${Math.sqrt(t.duration_ms / slowest) * 100}%` }} />
      </span>
    </span>
  );
}
