// Scheduled jobs: how each stands, its latest runs, and when the next is due. What fails comes first.
import "./crons.css";
import { Suspense, lazy } from "preact/compat";
import { HereLink } from "../../app/Link";
import { useSession } from "../../app/session";
import { Ago, Badge, Button, CodeBlock, type Column, EmptyState, Loaded, Segmented, Skeleton, Table } from "../../kit";
import { useListKeys } from "../../lib/cursor";
import { type CheckIn, type Monitor, monitorState, RUN, useMonitors } from "../../lib/health";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { age, formatDateTime } from "../../lib/time";
import { useNow } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";

const MonitorDrawer = lazy(() => import("./MonitorDrawer"));
const MonitorForm = lazy(() => import("./MonitorForm"));

const SDK = `from sentry_sdk.crons import monitor

@monitor(monitor_slug="nightly-report", monitor_config={
    "schedule": {"type": "crontab", "value": "0 3 * * *"},
    "timezone": "Europe/Berlin",
})
def report(): ...
`;

const isBad = (m: Monitor) => monitorState(m).tone === "bad";

export default function Crons() {
  const monitors = useMonitors();
  const opened = useParam("monitor");
  const role = useSession().data?.user?.role;
  return (
    <div class="page page-fill crons">
      <h1 class="hear-only">Crons</h1>
      <Loaded result={monitors} skeleton={<Skeleton lines={8} />}>
        {(list) => (
          <>
            {list.length === 0 ? <NoMonitor mayMake={role !== "viewer"} /> : <List monitors={list} mayMake={role !== "viewer"} />}
            <Suspense fallback={null}>{opened && <MonitorDrawer key={opened} monitor={list.find((m) => String(m.id) === opened)} />}</Suspense>
          </>
        )}
      </Loaded>
      <Suspense fallback={null}>{useParam("new") && <MonitorForm onClose={() => setUrl({ new: null })} />}</Suspense>
    </div>
  );
}

const make = () => setUrl({ new: "1" });

function NoMonitor({ mayMake }: { mayMake: boolean }) {
  return (
    <EmptyState
      icon="clock"
      title="No scheduled job is watched yet."
      action={
        mayMake && (
          <Button kind="primary" icon="plus" onClick={make}>
            Watch a job
          </Button>
        )
      }
    >
      <div class="stack crons-how">
        <p>A job that checks in is watched from then on. When it fails, takes too long or does not come, it becomes an issue.</p>
        <CodeBlock label="a job that checks in" text={SDK} />
      </div>
    </EmptyState>
  );
}

function List({ monitors, mayMake }: { monitors: readonly Monitor[]; mayMake: boolean }) {
  const state = useParam("state");
  const opened = useParam("monitor");
  const bad = monitors.filter(isBad);
  const rows = [...bad, ...monitors.filter((m) => !isBad(m))].filter((m) => state !== "bad" || isBad(m));
  const open = (m: Monitor) => setUrl({ monitor: String(m.id) }, { replace: opened !== "" });
  const { cursor } = useListKeys(rows, (m) => m.id, open);
  return (
    <>
      <div class="row row-wrap">
        <Segmented label="State" value={state} options={[["", `All ${monitors.length}`], ["bad", `Failing ${bad.length}`]]} onChange={(v) => setUrl({ state: v || null })} />
        <span class="grow" />
        {mayMake && (
          <Button icon="plus" onClick={make}>
            Watch a job
          </Button>
        )}
      </div>
      {rows.length === 0 ? (
        <EmptyState icon="check" title="No job is failing." />
      ) : (
        <Table<Monitor> fill label="Scheduled jobs" rows={rows} columns={COLUMNS} rowKey={(m) => m.id} cursor={cursor} selected={(m) => String(m.id) === opened} onOpen={open} />
      )}
    </>
  );
}

/** The newest of all environments. */
const lastOf = (m: Monitor) => m.environments.map((e) => e.last_check_in).filter((t): t is string => t !== null).sort().at(-1);
const nextOf = (m: Monitor) => (m.disabled ? undefined : m.environments.map((e) => e.next_expected).filter((t): t is string => t !== null).sort()[0]);

const none = <span class="faint">–</span>;
const COLUMNS: Column<Monitor>[] = [
  { key: "state", header: "State", width: "76px", cell: (m) => <Badge tone={monitorState(m).tone}>{monitorState(m).text}</Badge> },
  {
    key: "name",
    header: "Job",
    width: "minmax(130px, 1fr)",
    cell: (m) => (
      <span class="clip">
        <HereLink class="strong row-link" patch={{ monitor: String(m.id) }}>
          {m.name}
        </HereLink>{" "}
        {m.muted && <span class="faint">muted</span>}
      </span>
    ),
  },
  { key: "schedule", header: "Schedule", width: "minmax(90px, 160px)", wide: true, cell: (m) => (m.schedule ? <span class="mono clip">{m.schedule}</span> : none) },
  { key: "runs", header: "Runs", width: "minmax(90px, 220px)", cell: (m) => <Ticks checkIns={m.check_ins} /> },
  { key: "last", header: "Last", width: "60px", align: "end", wide: true, cell: (m) => (lastOf(m) ? <Ago time={lastOf(m)!} /> : none) },
  { key: "next", header: "Next", width: "72px", align: "end", wide: true, cell: (m) => (nextOf(m) ? <Next time={nextOf(m)!} /> : none) },
];

const SHOWN = 30;
/** Runs from left to right, the newest last; each a mark of its own shape and colour. */
function Ticks({ checkIns }: { checkIns: readonly CheckIn[] }) {
  const { zone } = useStore(prefs);
  const shown = checkIns.slice(0, SHOWN).reverse();
  if (shown.length === 0) return none;
  const bad = shown.filter((c) => c.status !== "ok" && c.status !== "in_progress").length;
  return (
    <span class="ticks" role="img" aria-label={`${shown.length} runs, ${bad} of them failed or missed; the newest: ${RUN[shown.at(-1)!.status].text}`}>
      {shown.map((c) => (
        <i key={c.id} class={`tick tick-${c.status}`} title={`${RUN[c.status].text}, ${formatDateTime(Date.parse(c.started), zone)} (${c.environment})`} />
      ))}
    </span>
  );
}

/** How long until then. */
function Next({ time }: { time: string }) {
  const now = useNow();
  const { zone } = useStore(prefs);
  const ms = Date.parse(time);
  const text = ms > now ? `in ${age(2 * now - ms, now)}` : "due";
  return (
    <time class="num" dateTime={time} title={formatDateTime(ms, zone)}>
      {text === "in now" ? "soon" : text}
    </time>
  );
}
