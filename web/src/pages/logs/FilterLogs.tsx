// Lines that match the filters: how many over time, split by a field; the fields they have; the lines themselves, their
// patterns, and live as they arrive.
import { Suspense, lazy } from "preact/compat";
import { useEffect, useState } from "preact/hooks";
import { FirstData } from "../../app/FirstData";
import { panelPainted } from "../../app/measure";
import { Button, Dialog, ErrorNotice, FacetList, Later, Loaded, pageValues, Skeleton } from "../../kit";
import { Chart } from "../../kit/chart";
import { groupField } from "../../lib/asks";
import { plural } from "../../lib/format";
import { useHistogram } from "../../lib/histogram";
import { useKeys } from "../../lib/keys";
import { toLogql } from "../../lib/logql";
import { type Order, usePagedRows } from "../../lib/page-rows";
import { patternValue } from "../../lib/patterns";
import { useFilterParams } from "../../lib/rows";
import { useTail } from "../../lib/tail";
import { setUrl, useFilters, useParam } from "../../lib/url";
import { groupBy, LogsBar, toggleLive, togglePatterns } from "./Bar";
import { useFacets } from "./facets";
import { useHeld } from "./held";
import { LiveLines } from "./Live";
import { LogList } from "./LogList";
import { patternsPart } from "./parts";

const LogDrawer = lazy(() => import("./LogDrawer"));

export function FilterLogs() {
  const params = useFilterParams();
  const { filters, add } = useFilters();
  const live = useParam("live") === "1";
  const patterns = useParam("view") === "patterns" && !live;
  const order: Order = useParam("order") === "oldest" ? "oldest" : "newest";
  const by = groupField(useParam("by"));
  const opened = useParam("row") !== "";
  const [away, setAway] = useState(false);
  const [fieldsOpen, setFieldsOpen] = useState(false);
  const histogram = useHistogram("logs", params, by);
  const facets = useFacets(params);
  const stored = usePagedRows("logs", useHeld(params, away), order, !live && !patterns);
  const tail = useTail("logs", { query: params["query"], where: params["where"], project: params["project"] }, live, away);
  const rows = live ? tail.rows : stored.rows;
  const query = toLogql(filters, String(params["query"] ?? ""));
  const facetList = <FacetList facets={facets.data ?? []} label="Fields of these lines" onGroup={(field) => groupBy(field === by ? "level" : field)} grouped={by} />;
  const asQuery = () => setUrl({ lang: "logql", expr: query, where: null, q: null, row: null });
  useEffect(() => {
    pageValues.set({ beside: (field) => [{ label: `Group by ${field}`, icon: "group", run: () => groupBy(field) }] });
    return () => pageValues.set(null);
  }, []);
  useKeys([
    { keys: "l", label: "Live on and off", group: "Logs", run: () => toggleLive(live) },
    { keys: "f", label: "Show fields", group: "Logs", run: () => setFieldsOpen(!fieldsOpen) },
    { keys: "p", label: "Lines or patterns", group: "Logs", run: () => togglePatterns(patterns) },
    { keys: "q", label: "Ask with LogQL", group: "Logs", run: asQuery },
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
      <LogsBar
        total={histogram.data ? plural(histogram.data.total, "line") : ""}
        searched={stored.searched}
        {...{ live, tail, patterns, order, by, params, query }}
        beforeAll={
          <span class="logs-fields-button">
            <Button small kind="quiet" icon="filter" onClick={() => setFieldsOpen(true)}>
              Fields
            </Button>
          </span>
        }
      >
        <span class="wide-only">
          <Button small kind="quiet" title="Write a query instead" onClick={asQuery}>
            LogQL
          </Button>
        </span>
      </LogsBar>
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
            <patternsPart.page
              params={params}
              onOnly={(p) => {
                add({ field: "message", op: "~", value: patternValue(p.select.where) });
                setUrl({ view: null });
              }}
              onLeaveOut={(p) => add({ field: "message", op: "!~", value: patternValue(p.exclude.where) })}
            />
          </Suspense>
        ) : (
          <Loaded result={stored} skeleton={<Skeleton lines={14} />}>
            {() =>
              rows.length === 0 && stored.searched !== undefined ? (
                <Skeleton lines={14} />
              ) : rows.length === 0 ? (
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
      <Suspense fallback={null}>{opened && <LogDrawer rows={rows} />}</Suspense>
    </div>
  );
}
