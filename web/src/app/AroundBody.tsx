// The drawer "what else happened here": what the server finds around a moment, grouped so that it is read in one look.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Button, Drawer, LevelMark, Loaded, EmptyState, Segmented } from "../kit";
import { get } from "../lib/api";
import { duration } from "../lib/format";
import { lineOf } from "../lib/message";
import { prefs } from "../lib/prefs";
import { useStore } from "../lib/store";
import { formatDateTime, formatTime } from "../lib/time";
import type { Around, Row } from "../lib/types";
import { setUrl, useParam } from "../lib/url";
import { Link } from "./Link";

const SHOWN = 12;

export default function AroundBody({ time, service }: { time: string; service: string }) {
  const minutes = useParam("aminutes") || "5";
  const { zone } = useStore(prefs);
  const result = useQuery({
    queryKey: ["around", time, minutes, service],
    queryFn: ({ signal }) => get<Around>("around", { time, minutes, service }, signal),
  });
  const close = () => setUrl({ around: null, aservice: null, aminutes: null });
  const at = Date.parse(time);
  return (
    <Drawer
      label="What else happened here"
      title="What else happened here"
      onClose={close}
    >
      <div class="row row-wrap">
        <p class="muted num grow">
          {Number.isNaN(at) ? time : formatDateTime(at, zone)}
          {service && ` · ${service}`}
        </p>
        <Segmented label="Minutes around" value={minutes} options={[["1", "±1m"], ["5", "±5m"], ["30", "±30m"]]} onChange={(v) => setUrl({ aminutes: v }, { replace: true })} />
      </div>
      <Loaded result={result}>
        {(a) => {
          const none = a.logs.length + a.errors.length + a.spans.length + a.issues.length + a.alerts.length + a.releases.length === 0;
          if (none) return <EmptyState icon="around" title={`Nothing else within ${minutes} min.`} />;
          return (
            <div class="stack">
              <Section title="Releases" count={a.releases.length}>
                {a.releases.map((r) => (
                  <li key={r.release + (r.service ?? "")} class="row">
                    <span class="strong clip grow">{r.release}</span>
                    <span class="num faint">{formatTime(Date.parse(r.first_seen), zone)}</span>
                  </li>
                ))}
              </Section>
              <Section title="Alerts" count={a.alerts.length}>
                {a.alerts.map((alert, i) => (
                  <li key={i} class="row">
                    <span class="clip grow">{alert.name}</span>
                    <span class="faint">{alert.state}</span>
                  </li>
                ))}
              </Section>
              <Section title="Issues" count={a.issues.length}>
                {a.issues.slice(0, SHOWN).map((i) => (
                  <li key={i.id}>
                    <Link to={`/issues/${i.id}`} class="row around-link">
                      <LevelMark level={i.level} dot />
                      <span class="clip">{i.title}</span>
                    </Link>
                  </li>
                ))}
              </Section>
              <Rows title="Errors" rows={a.errors} />
              <Rows title="Logs" rows={a.logs} />
              <Rows title="Slow and failed spans" rows={a.spans} />
            </div>
          );
        }}
      </Loaded>
    </Drawer>
  );
}

/** Equal lines are one, with how often and when first. */
export function gather(rows: readonly Row[]): { row: Row; times: number }[] {
  const groups = new Map<string, { row: Row; times: number }>();
  for (const row of rows) {
    const key = `${row.level}\n${row.service ?? ""}\n${lineOf(row).text}`;
    const group = groups.get(key);
    if (!group) groups.set(key, { row, times: 1 });
    else group.times++;
  }
  return [...groups.values()];
}

function Rows({ title, rows }: { title: string; rows: readonly Row[] }) {
  const { zone } = useStore(prefs);
  const [all, setAll] = useState(false);
  const groups = gather(rows);
  return (
    <Section title={title} count={rows.length}>
      {groups.slice(0, all ? undefined : SHOWN).map(({ row: r, times }, i) => (
        <li key={i} class="row around-row">
          <span class="num faint">{formatTime(Date.parse(r.time), zone)}</span>
          <LevelMark level={r.level} dot />
          <span class="clip grow" title={r.message}>
            {lineOf(r).text || r.transaction || String(r.attributes["span.op"] ?? "")}
          </span>
          {times > 1 && <span class="num faint">×{times}</span>}
          {typeof r.attributes["duration_ns"] === "number" && <span class="num faint">{duration(r.attributes["duration_ns"] / 1e6)}</span>}
          {r.trace_id && <Link to={`/traces/${r.trace_id}`}>trace</Link>}
        </li>
      ))}
      {!all && groups.length > SHOWN && (
        <li>
          <Button small kind="quiet" onClick={() => setAll(true)}>
            Show {groups.length - SHOWN} more
          </Button>
        </li>
      )}
    </Section>
  );
}

function Section({ title, count, children }: { title: string; count: number; children: preact.ComponentChildren }) {
  if (count === 0) return null;
  return (
    <section>
      <h3 class="section-title">
        {title} <span class="faint num">{count}</span>
      </h3>
      <ul class="plain-list">{children}</ul>
    </section>
  );
}
