// Where metrics come from: targets with what is down first, what relabelling leaves out, and jobs that cannot run.
import { Suspense, lazy } from "preact/compat";
import { HereLink } from "../../app/Link";
import { Ago, Badge, CodeBlock, type Column, EmptyState, Segmented, Table, type Tone } from "../../kit";
import { type DroppedTarget, isLocal, type Target, type TargetsData } from "../../lib/alerts";
import { useListKeys } from "../../lib/cursor";
import { count, duration } from "../../lib/format";
import { setUrl, useParam } from "../../lib/url";

const TargetDrawer = lazy(() => import("./TargetDrawer"));

const SCRAPE_FILE = `rule_files: ["rules/*.yml"]
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["127.0.0.1:5050"]
`;

export const HEALTH: Record<string, { tone: Tone; text: string }> = { up: { tone: "good", text: "Up" }, down: { tone: "bad", text: "Down" }, unknown: { tone: "neutral", text: "Not yet" } };
const none = <span class="faint">–</span>;
/** A target's own place in the address: one URL may be scraped by two jobs. */
const idOf = (t: Target) => `${t.scrapePool} ${t.scrapeUrl}`;

const COLUMNS: Column<Target>[] = [
  { key: "health", header: "Health", width: "70px", cell: (t) => <Badge tone={HEALTH[t.health]?.tone ?? "neutral"}>{HEALTH[t.health]?.text ?? t.health}</Badge> },
  { key: "job", header: "Job", width: "minmax(80px, 160px)", cell: (t) => <HereLink class="strong row-link" patch={{ target: idOf(t) }}>{t.labels["job"] ?? t.scrapePool}</HereLink> },
  { key: "url", header: "Address", width: "minmax(120px, 1fr)", cell: (t) => (isLocal(t) ? <span class="muted">this server's host</span> : <span class="mono clip" title={t.scrapeUrl}>{t.scrapeUrl.replace(/^http:\/\//, "")}</span>) },
  { key: "error", header: "Last error", width: "minmax(90px, 1fr)", wide: true, cell: (t) => (t.lastError ? <span class="tone-bad clip" title={t.lastError}>{t.lastError}</span> : none) },
  { key: "last", header: "Scraped", width: "64px", align: "end", wide: true, cell: (t) => (t.health === "unknown" ? none : <Ago time={t.lastScrape} />) },
  { key: "took", header: "Took", width: "74px", align: "end", wide: true, cell: (t) => duration(t.lastScrapeDuration * 1000) },
  { key: "interval", header: "Every", width: "60px", align: "end", wide: true, cell: (t) => t.scrapeInterval ?? "–" },
];

const rest = (labels: Record<string, string>) =>
  Object.entries(labels)
    .filter(([name]) => !/^__(address|scheme|metrics_path|scrape_interval|scrape_timeout|scrape_native_histograms|always_scrape_classic_histograms|convert_classic_histograms_to_nhcb)__$/.test(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
const DROPPED_COLUMNS: Column<DroppedTarget>[] = [
  { key: "job", header: "Job", width: "minmax(90px, 160px)", cell: (t) => <span class="strong clip">{t.scrapePool}</span> },
  { key: "address", header: "Address", width: "minmax(120px, 1fr)", cell: (t) => <span class="mono clip">{t.discoveredLabels["__address__"]}</span> },
  { key: "labels", header: "Labels found", width: "minmax(90px, 2fr)", wide: true, cell: (t) => <span class="mono muted clip" title={rest(t.discoveredLabels)}>{rest(t.discoveredLabels)}</span> },
];

/** Jobs of the configuration that ask for something we do not have. */
function Disabled({ pools }: { pools: TargetsData["disabledPools"] }) {
  return (
    <ul class="targets-off" aria-label="Jobs that are not scraped">
      {pools.map((p) => (
        <li key={p.scrapePool} class="row">
          <Badge tone="warn">Off</Badge>
          <span class="breakable">
            <span class="strong">{p.scrapePool}</span> <span class="muted">{p.reason}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Targets({ data }: { data: TargetsData }) {
  const state = useParam("state");
  const pool = useParam("pool");
  const opened = useParam("target");
  const pools = [...new Set([...data.activeTargets.map((t) => t.scrapePool), ...Object.keys(data.droppedTargetCounts)])].sort();
  const ofPool = <T extends { scrapePool: string }>(list: readonly T[]) => list.filter((t) => !pool || t.scrapePool === pool);
  const active = ofPool(data.activeTargets).sort((a, b) => Number(a.health === "up") - Number(b.health === "up"));
  const down = active.filter((t) => t.health === "down");
  const dropped = ofPool(data.droppedTargets);
  const droppedCount = Object.entries(data.droppedTargetCounts).reduce((sum, [name, n]) => sum + (!pool || name === pool ? n : 0), 0);
  const rows = state === "down" ? down : active;
  const open = (t: Target) => setUrl({ target: idOf(t) }, { replace: opened !== "" });
  const { cursor } = useListKeys(state === "dropped" ? [] : rows, idOf, open);
  return (
    <>
      {data.disabledPools.length > 0 && <Disabled pools={data.disabledPools} />}
      {pools.length === 0 ? (
        <EmptyState icon="metrics" title="Nothing is scraped yet.">
          <div class="stack alerts-how">
            <p>Name a Prometheus configuration in prometheus.config_file and reload the server (POST /-/reload).</p>
            <CodeBlock label="prometheus.yml" text={SCRAPE_FILE} />
          </div>
        </EmptyState>
      ) : (
        <>
          <div class="row row-wrap">
            <Segmented
              label="State"
              value={state}
              options={[["", `All ${count(active.length)}`], ["down", `Down ${count(down.length)}`], ...(droppedCount > 0 ? [["dropped", `Left out ${count(droppedCount)}`] as const] : [])]}
              onChange={(v) => setUrl({ state: v || null, target: null })}
            />
            <span class="grow" />
            {pools.length > 1 && <Segmented label="Job" value={pool} options={[["", "All jobs"], ...pools.slice(0, 6).map((n) => [n, n] as const)]} onChange={(v) => setUrl({ pool: v || null })} />}
          </div>
          {state === "dropped" ? (
            <Table<DroppedTarget> fill label="Targets left out by relabelling" rows={dropped} columns={DROPPED_COLUMNS} rowKey={(_, i) => i} />
          ) : rows.length === 0 ? (
            <EmptyState icon="check" title={state === "down" ? "No target is down." : "No target is left after relabelling."} />
          ) : (
            <Table<Target> fill label="Targets" rows={rows} columns={COLUMNS} rowKey={(t, i) => `${idOf(t)} ${i}`} cursor={cursor} selected={(t) => idOf(t) === opened} onOpen={open} />
          )}
        </>
      )}
      <Suspense fallback={null}>{opened && <TargetDrawer target={data.activeTargets.find((t) => idOf(t) === opened)} />}</Suspense>
    </>
  );
}
