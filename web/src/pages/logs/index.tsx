// Logs: how many and how bad over time, the fields they have, the lines themselves, and live as they arrive. The
// address holds filters, text, columns, order and the open line.
import "./logs.css";
import { useMemo, useRef, useState } from "preact/hooks";
import { FirstData } from "../../app/FirstData";
import { panelPainted } from "../../app/measure";
import { Button, Dialog, ErrorNotice, FacetList, Later, Loaded, Segmented, Skeleton } from "../../kit";
import { Chart } from "../../kit/chart";
import type { Query } from "../../lib/api";
import { count, plural } from "../../lib/format";
import { useHistogram } from "../../lib/histogram";
import { useKeys } from "../../lib/keys";
import { type Order, usePagedRows } from "../../lib/page-rows";
import { useFilterParams } from "../../lib/rows";
import { useTail } from "../../lib/tail";
import type { Row } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { ColumnMenu } from "./ColumnMenu";
import { LogDrawer } from "./LogDrawer";
import { LogList } from "./LogList";
import { useFacets } from "./facets";

export default function Logs() {
  const params = useFilterParams();
  const live = useParam("live") === "1";
  const order: Order = useParam("order") === "oldest" ? "oldest" : "newest";
  const [away, setAway] = useState(false);
  const [fieldsOpen, setFieldsOpen] = useState(false);
  const histogram = useHistogram("logs", params);
  const facets = useFacets(params);
  const stored = usePagedRows("logs", useHeld(params, away), order, !live);
  const tail = useTail("logs", { query: params.query, where: params.where, project: params.project }, live, away);
  const rows = live ? tail.rows : stored.rows;
  useKeys([
    { keys: "l", label: "Live on and off", group: "Logs", run: () => setUrl({ live: live ? null : "1", row: null }) },
    { keys: "f", label: "Show fields", group: "Logs", run: () => setFieldsOpen(!fieldsOpen) },
  ]);
  return (
    <div class="page page-fill logs">
      <h1 class="hear-only">Logs</h1>
      <div class="logs-histogram">
        {histogram.error && !histogram.data ? (
          <ErrorNotice error={histogram.error} small />
        ) : (
          <Chart plain title="Log lines by level" kind="bars" stacked legend="none" unit="count" height={96} x={histogram.x} series={histogram.series} onPaint={(ms) => panelPainted("logs-histogram", ms)} />
        )}
      </div>
      <div class="logs-bar row">
        <span class="num muted" aria-live="polite">
          {live ? <LiveState state={tail.state} dropped={tail.dropped} /> : histogram.data ? plural(histogram.data.total, "line") : ""}
        </span>
        <span class="grow" />
        <span class="logs-fields-button">
          <Button small kind="quiet" icon="filter" onClick={() => setFieldsOpen(true)}>
            Fields
          </Button>
        </span>
        <span class="wide-only">
          <ColumnMenu />
        </span>
        {!live && <Segmented label="Order" value={order} options={[["newest", "Newest"], ["oldest", "Oldest"]]} onChange={(v) => setUrl({ order: v === "newest" ? null : v })} />}
        <Button small icon="spark" on={live} onClick={() => setUrl({ live: live ? null : "1", row: null })}>
          Live
        </Button>
      </div>
      <div class="logs-body">
        <aside class={facets.data?.length === 0 ? "logs-facets logs-facets-none" : "logs-facets"}>
          <Later meanwhile={<Skeleton lines={10} />}>
            {() => (
              <Loaded result={facets} skeleton={<Skeleton lines={10} />}>
                {(data) => <FacetList facets={data} label="Fields of these lines" />}
              </Loaded>
            )}
          </Later>
        </aside>
        {live ? (
          <LiveLines rows={rows} waiting={tail.waiting} onAway={setAway} away={away} />
        ) : (
          <Loaded result={stored} skeleton={<Skeleton lines={14} />}>
            {() =>
              rows.length === 0 ? (
                <div class="grow">
                  <FirstData signal="logs" title="No log lines match in this range." />
                </div>
              ) : (
                <LogList
                  key={order}
                  rows={rows}
                  onAway={setAway}
                  onEnd={() => stored.hasNextPage && !stored.isFetchingNextPage && void stored.fetchNextPage()}
                />
              )
            }
          </Loaded>
        )}
      </div>
      <Dialog title="Fields" open={fieldsOpen} onClose={() => setFieldsOpen(false)}>
        {facets.data && <FacetList facets={facets.data} label="Fields" />}
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

function LiveState({ state, dropped }: { state: string; dropped: number }) {
  return (
    <span class="row">
      <i class={`live-dot live-${state}`} aria-hidden="true" />
      {state === "open" ? "Live" : state === "lost" ? "Connection lost, trying again" : state === "ended" ? "Ended: you are signed out" : "Connecting"}
      {dropped > 0 && <span class="tone-warn">{plural(dropped, "line")} left out: more arrived than can be shown</span>}
    </span>
  );
}

function LiveLines(p: { rows: readonly Row[]; waiting: number; away: boolean; onAway: (away: boolean) => void }) {
  const top = useMemo(() => ({ key: 0 }), []);
  const [, again] = useState(0);
  return (
    <div class="logs-live">
      {p.away && (
        <Button
          small
          kind="primary"
          class="logs-waiting"
          onClick={() => {
            top.key++;
            p.onAway(false);
            again(top.key);
          }}
        >
          {p.waiting > 0 ? `${count(p.waiting)} new, held while you read. Show them` : "Held while you read. Go on"}
        </Button>
      )}
      {p.rows.length === 0 ? <p class="faint logs-none">Lines appear here as they arrive.</p> : <LogList key={top.key} rows={p.rows} onAway={p.onAway} />}
    </div>
  );
}
