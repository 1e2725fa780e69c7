// Some queries, each drawn over the range or read as a table at its end. Queries, view and range are in the address, so
// that a link shows the same.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { FirstData } from "../../app/FirstData";
import { Button, EmptyState, Later, Segmented, Skeleton } from "../../kit";
import { metricNamesAsk } from "../../lib/asks";
import { useKeys } from "../../lib/keys";
import { asQuery } from "../../lib/query";
import { setUrl, useParam, useParams } from "../../lib/url";
import { Browser } from "./Browser";
import { Panel } from "./Panel";

const LETTERS = "ABCDEFGH";

export function Explore() {
  const params = useParams();
  const stored = params.getAll("expr");
  const exprs = stored.length > 0 ? stored.slice(0, LETTERS.length) : [""];
  const view = useParam("view") === "table" ? "table" : "chart";
  const exemplars = useParam("exemplars") !== "0";
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
  useKeys([
    { keys: "v", label: "Chart or table", group: "Metrics", run: () => setUrl({ view: view === "table" ? null : "table" }) },
    { keys: "x", label: "Exemplars on or off", group: "Metrics", run: () => setUrl({ exemplars: exemplars ? "0" : null }) },
  ]);
  return (
    <div class="metrics">
      <aside class={browsing ? "metrics-browser" : "metrics-browser metrics-browser-off"} aria-label="Metric browser">
        <Later meanwhile={<Skeleton lines={10} />}>{() => <Browser expr={shown[Math.min(at, shown.length - 1)] ?? ""} onQuery={(expr) => write(Math.min(at, shown.length - 1), expr)} />}</Later>
      </aside>
      <div class="metrics-main">
        {shown.map((expr, i) => (
          <Panel
            key={i}
            letter={LETTERS[i]!}
            expr={expr}
            view={view}
            tall={asked <= 1}
            exemplars={exemplars}
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
          {view === "chart" && (
            <Button small kind="quiet" on={exemplars} title="Single observations that lead to their trace, as dots over the chart" onClick={() => setUrl({ exemplars: exemplars ? "0" : null })}>
              Exemplars
            </Button>
          )}
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
