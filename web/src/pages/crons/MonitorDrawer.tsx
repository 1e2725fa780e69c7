// One job: how it stands in each environment, what is expected of it, its runs, and what can be changed.
import { useState } from "preact/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "../../app/Link";
import { useSession } from "../../app/session";
import { Ago, Badge, Button, Drawer, EmptyState, Loaded, Menu, toast } from "../../kit";
import { del, get, put } from "../../lib/api";
import { duration, plural } from "../../lib/format";
import { type CheckIn, MONITOR, type Monitor, monitorState, RUN } from "../../lib/health";
import { prefs } from "../../lib/prefs";
import { queryClient, useNow } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import { setUrl } from "../../lib/url";
import MonitorForm from "./MonitorForm";

const again = () => queryClient.invalidateQueries({ queryKey: ["monitors"] });
async function change(m: Monitor, patch: { muted?: boolean; disabled?: boolean }, done: string): Promise<void> {
  try {
    await put(`monitors/${m.id}`, patch);
    toast(done);
    await again();
  } catch (e) {
    toast((e as Error).message, { bad: true });
  }
}
async function remove(m: Monitor): Promise<void> {
  if (!confirm(`Forget ${m.name} and its runs? Its issue stays.`)) return;
  try {
    await del(`monitors/${m.id}`);
    setUrl({ monitor: null });
    toast(`${m.name} is forgotten. A check-in makes it again.`);
    await again();
  } catch (e) {
    toast((e as Error).message, { bad: true });
  }
}

export default function MonitorDrawer({ monitor: m }: { monitor: Monitor | undefined }) {
  const [editing, setEditing] = useState(false);
  const role = useSession().data?.user?.role;
  const close = () => setUrl({ monitor: null });
  if (!m) {
    return (
      <Drawer label="Job" title="Job" onClose={close}>
        <EmptyState title="This job is not watched (any more)." />
      </Drawer>
    );
  }
  const actions = role !== "viewer" && (
    <Menu
      label={`Change ${m.name}`}
      icon="more"
      items={[
        { label: "Change", run: () => setEditing(true) },
        { label: m.muted ? "Tell of failures again" : "Mute: watch, but tell nobody", icon: "mute", run: () => void change(m, { muted: !m.muted }, m.muted ? "Failures are told again." : "Muted.") },
        { label: m.disabled ? "Switch on" : "Switch off", run: () => void change(m, { disabled: !m.disabled }, m.disabled ? "It is watched again." : "It is not watched any more.") },
        { label: "Forget it", danger: true, run: () => void remove(m) },
      ]}
    />
  );
  const state = monitorState(m);
  return (
    <Drawer label={`Job ${m.name}`} title={m.name} onClose={close} actions={actions}>
      <div class="row row-wrap">
        <Badge tone={state.tone}>{state.text}</Badge>
        {m.muted && <Badge>Muted</Badge>}
        <code>{m.slug}</code>
        <span class="grow" />
        <Link class="btn btn-plain btn-small" to={`/issues?status=all&range=90d&q=${encodeURIComponent(`Scheduled job ${m.name}`)}`} keep={["project"]}>
          Its issue
        </Link>
      </div>
      <Expectations monitor={m} />
      <section>
        <h3 class="section-title">Environments</h3>
        {m.environments.length === 0 && <p class="muted">It has not checked in yet.</p>}
        <ul class="plain-list">
          {m.environments.map((e) => (
            <li key={e.name} class="row row-wrap">
              <Badge tone={MONITOR[e.state].tone}>{MONITOR[e.state].text}</Badge>
              <span class="grow clip">{e.name}</span>
              {e.failing_since && (
                <span class="tone-bad">
                  for <Ago time={e.failing_since} />
                </span>
              )}
              {e.next_expected && !m.disabled && <Moment label="next" time={e.next_expected} />}
            </li>
          ))}
        </ul>
      </section>
      <Runs monitor={m} />
      {editing && <MonitorForm monitor={m} onClose={() => setEditing(false)} />}
    </Drawer>
  );
}

function Moment({ label, time }: { label: string; time: string }) {
  const { zone } = useStore(prefs);
  return (
    <span class="faint">
      {label}{" "}
      <time class="num" dateTime={time}>
        {formatDateTime(Date.parse(time), zone)}
      </time>
    </span>
  );
}

function Expectations({ monitor: m }: { monitor: Monitor }) {
  const c = m.config;
  if (!m.schedule) return <p class="muted">It has no schedule: what it says counts, but nothing is missed. Give it one under Change.</p>;
  return (
    <p class="muted">
      Runs <code>{m.schedule}</code> ({c.timezone}), may be late by {plural(c.checkin_margin ?? 1, "minute")} and take {plural(c.max_runtime ?? 30, "minute")}.
      {(c.failure_issue_threshold ?? 1) > 1 && ` Fails after ${c.failure_issue_threshold} failures in a row.`}
      {(c.recovery_threshold ?? 1) > 1 && ` Well again after ${c.recovery_threshold} successes.`}
    </p>
  );
}

function Runs({ monitor: m }: { monitor: Monitor }) {
  const now = useNow();
  const { zone } = useStore(prefs);
  const [limit, setLimit] = useState(50);
  const runs = useQuery({
    queryKey: ["monitors", "check-ins", m.id, limit, now],
    queryFn: async ({ signal }) => (await get<{ check_ins: CheckIn[] }>(`monitors/${m.id}/check-ins`, { limit }, signal)).check_ins,
  });
  const several = m.environments.length > 1;
  return (
    <section>
      <h3 class="section-title">Runs</h3>
      <Loaded result={runs}>
        {(list) => (
          <>
            {list.length === 0 && <p class="muted">None yet.</p>}
            <ul class="plain-list runs">
              {list.map((c) => (
                <li key={c.id} class="row">
                  <Badge tone={RUN[c.status].tone}>{RUN[c.status].text}</Badge>
                  <time class="num grow" dateTime={c.started}>
                    {formatDateTime(Date.parse(c.started), zone)}
                  </time>
                  {several && <span class="faint clip">{c.environment}</span>}
                  <span class="num faint">{c.duration_ms === null ? "" : duration(c.duration_ms)}</span>
                  {c.trace_id && (
                    <Link to={`/traces/${c.trace_id}`} title="The trace of this run">
                      trace
                    </Link>
                  )}
                </li>
              ))}
            </ul>
            {list.length >= limit && limit < 1000 && (
              <Button small kind="quiet" onClick={() => setLimit(limit * 4)}>
                Older runs
              </Button>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
