// Lines that match the filters: how many over time, split by a field; the fields they have; the lines themselves, their
// patterns, and live as they arrive.
import { Suspense, lazy } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { FirstData } from "../../app/FirstData";
import { panelPainted } from "../../app/measure";
import { Button, Dialog, ErrorNotice, FacetList, IconButton, Later, Loaded, pageValues, Segmented, Skeleton } from "../../kit";
import { Chart } from "../../kit/chart";
import type { Query } from "../../lib/api";
import { groupField } from "../../lib/asks";
import { plural } from "../../lib/format";
import { HAS_LOGQL } from "../../lib/features";
import { useHistogram } from "../../lib/histogram";
import { useKeys } from "../../lib/keys";
import { toLogql } from "../../lib/logql";
import { type Order, usePagedRows } from "../../lib/page-rows";
import { useFilterParams } from "../../lib/rows";
import { useTail } from "../../lib/tail";
import { setUrl, useFilters, useParam } from "../../lib/url";
import { ColumnMenu } from "./ColumnMenu";
import { ExportMenu } from "./ExportMenu";
import { useFacets } from "./facets";
import { LiveLines, LiveState } from "./Live";
import { LogDrawer } from "./LogDrawer";
import { LogList } from "./LogList";

const Patterns = lazy(() => import("./Patterns"));

const group = (field: string) => setUrl({ by: field === "level" ? null : field });

export function FilterLogs() {
  const params = useFilterParams();
  const { filters } = useFilters();
  const live = useParam("live") === "1";
  const patterns = HAS_LOGQL && useParam("view") === "patterns" && !live;
  const order: Order = useParam("order") === "oldest" ? "oldest" : "newest";
  const by = groupField(useParam("by"));
  const [away, setAway] = useState(false);
  const [fieldsOpen, setFieldsOpen] = useState(false);
  const histogram = useHistogram("logs", params, by);
  const facets = useFacets(params);
  const stored = usePagedRows("logs", useHeld(params, away), order, !live && !patterns);
  const tail = useTail("logs", { query: params["query"], where: params["where"], project: params["project"] }, live, away);
  const rows = live ? tail.rows : stored.rows;
  const facetList = <FacetList facets={facets.data ?? []} label="Fields of these lines" onGroup={(field) => group(field === by ? "level" : field)} grouped={by} />;
  const asQuery = () => setUrl({ lang: "logql", expr: toLogql(filters, String(params["query"] ?? "")), where: null, q: null, live: null, view: null, row: null });
  useEffect(() => {
    pageValues.set({ beside: (field) => [{ label: `Group by ${field}`, icon: "group", run: () => group(field) }] });
    return () => pageValues.set(null);
  }, []);
  useKeys([
    { keys: "l", label: "Live on and off", group: "Logs", run: () => setUrl({ live: live ? null : "1", row: null }) },
    { keys: "f", label: "Show fields", group: "Logs", run: () => setFieldsOpen(!fieldsOpen) },
    ...(HAS_LOGQL
      ? [
          { keys: "p", label: "Lines or patterns", group: "Logs", run: () => setUrl({ view: patterns ? null : "patterns", row: null, live: null }) },
          { keys: "q", label: "Ask with LogQL", group: "Logs", run: asQuery },
        ]
      : []),
  ]);
  return (
    <div class="page page-fill logs">
      <h1 class="hear-only">Logs</h1>
      <div class="logs-histogram">
        {histogram.error && !histogram.data ? (
          <ErrorNotice error={histogram.error} small />
        ) : (
          <Chart
            plain
            title={`Log lines by ${by}`}
            kind="bars"
            stacked
            legend={by === "level" ? "none" : "line"}
            unit="count"
            height={96}
            x={histogram.x}
            series={histogram.series}
            onPaint={(ms) => panelPainted("logs-histogram", ms)}
          />
        )}
      </div>
      <div class="logs-bar row">
        <span class="num muted" aria-live={live ? undefined : "polite"}>
          {live ? <LiveState tail={tail} /> : histogram.data ? plural(histogram.data.total, "line") : ""}
        </span>
        {by !== "level" && (
          <span class="chip">
            <span class="muted">by</span> <span class="clip chip-text">{by}</span>
            <IconButton small icon="close" label={`Group by ${by} no longer`} onClick={() => group("level")} />
          </span>
        )}
        <span class="grow" />
        <span class="logs-fields-button">
          <Button small kind="quiet" icon="filter" onClick={() => setFieldsOpen(true)}>
            Fields
          </Button>
        </span>
        {HAS_LOGQL && !live && <Segmented label="Show" value={patterns ? "patterns" : ""} options={[["", "Lines"], ["patterns", "Patterns"]]} onChange={(v) => setUrl({ view: v, row: null })} />}
        {!patterns && (
          <span class="wide-only">
            <ColumnMenu />
          </span>
        )}
        {!live && !patterns && <Segmented label="Order" value={order} options={[["newest", "Newest"], ["oldest", "Oldest"]]} onChange={(v) => setUrl({ order: v === "newest" ? null : v })} />}
        {!live && (
          <span class="wide-only">
            <ExportMenu params={params} order={order} />
          </span>
        )}
        <Button small icon="spark" on={live} onClick={() => setUrl({ live: live ? null : "1", row: null })}>
          Live
        </Button>
        {HAS_LOGQL && (
          <span class="wide-only">
            <Button small kind="quiet" title="Write a query instead" onClick={asQuery}>
              LogQL
            </Button>
          </span>
        )}
      </div>
      <div class="logs-body">
        <aside class={facets.data?.length === 0 ? "logs-facets logs-facets-none" : "logs-facets"}>
          <Later meanwhile={<Skeleton lines={10} />}>
            {() => (
              <Loaded result={facets} skeleton={<Skeleton lines={10} />}>
                {() => facetList}
              </Loaded>
            )}
          </Later>
        </aside>
        {live ? (
          <LiveLines tail={tail} onAway={setAway} away={away} />
        ) : patterns ? (
          <Suspense fallback={<Skeleton lines={10} />}>
            <Patterns query={toLogql(filters, String(params["query"] ?? ""))} />
          </Suspense>
        ) : (
          <Loaded result={stored} skeleton={<Skeleton lines={14} />}>
            {() =>
              rows.length === 0 ? (
                <div class="grow">
                  <FirstData signal="logs" title="No log lines match in this range." />
                </div>
              ) : (
                <LogList key={order} rows={rows} onAway={setAway} onEnd={() => stored.hasNextPage && !stored.isFetchingNextPage && void stored.fetchNextPage()} />
              )
            }
          </Loaded>
        )}
      </div>
      <Dialog title="Fields" open={fieldsOpen} onClose={() => setFieldsOpen(false)}>
        {facets.data && facetList}
      </Dialog>
      <LogDrawer rows={rows} />
    </div>
  );
}

/** A refresh while one reads further down would take the pages away under the eyes; it waits until one is back. */
function useHeld<Q extends Query>(params: Q, held: boolean): Q {
  const shown = useRef(params);
  const question = (q: Q) => JSON.stringify({ ...q, start: null, end: null });
  const length = (q: Q) => Date.parse(String(q["end"])) - Date.parse(String(q["start"]));
  const same = question(shown.current) === question(params) && length(shown.current) === length(params);
  if (!held || !same) shown.current = params;
  return shown.current;
}
