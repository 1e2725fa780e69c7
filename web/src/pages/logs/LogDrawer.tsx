// One line with all it carries, the lines around it, and ways to everything that belongs to it.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { openAround } from "../../app/AroundDrawer";
import { FieldTable } from "../../app/FieldTable";
import { Link } from "../../app/Link";
import { Related } from "../../app/Related";
import { Button, CodeBlock, CopyButton, Drawer, Icon, LevelMark, Loaded, Segmented } from "../../kit";
import { get } from "../../lib/api";
import { columnsParam, readColumns, toggleColumn } from "../../lib/columns";
import { allFields, lineOf } from "../../lib/message";
import { nextInstant } from "../../lib/page-rows";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDate, formatTime } from "../../lib/time";
import type { Row } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";

export function LogDrawer({ rows }: { rows: readonly Row[] }) {
  const time = useParam("row");
  const project = useParam("project");
  const found = time ? rows.find((r) => r.time === time) : undefined;
  // A shared link may open a line that this list has not loaded.
  const alone = useQuery({
    queryKey: ["row", "logs", time, project],
    queryFn: async ({ signal }) => (await get<{ rows: Row[] }>("logs", { start: time, end: nextInstant(time), limit: 1, project }, signal)).rows[0] ?? null,
    enabled: time !== "" && !found,
    staleTime: Infinity,
  });
  const row = found ?? (alone.isPlaceholderData ? null : alone.data);
  if (!time) return null;
  return (
    <Drawer label="Log line" title={row ? <DrawerTitle row={row} /> : "Log line"} onClose={() => setUrl({ row: null })} actions={row && <DrawerActions row={row} />}>
      {row ? <Body key={row.time} row={row} /> : <Loaded result={alone}>{() => <p class="faint">This line is not kept any more.</p>}</Loaded>}
    </Drawer>
  );
}

function DrawerTitle({ row }: { row: Row }) {
  const { zone } = useStore(prefs);
  const ms = Date.parse(row.time);
  return (
    <span class="row">
      <LevelMark level={row.level} />
      <span class="num muted clip">
        {formatDate(ms, zone)} {formatTime(ms, zone, true)}
      </span>
    </span>
  );
}

function DrawerActions({ row }: { row: Row }) {
  return (
    <Button small kind="quiet" icon="around" title="What else happened here" onClick={() => openAround(row.time, row.service)}>
      Around
    </Button>
  );
}

const MINUTES = 15;
/** What the line's service measured around its time: as a table of series, since no one knows which of them matters. */
function MetricsLink({ row, service }: { row: Row; service: string }) {
  const at = Date.parse(row.time);
  const name = JSON.stringify(service);
  const params = new URLSearchParams({
    expr: `{service=${name}} or {job=${name}}`,
    view: "table",
    from: new Date(at - MINUTES * 60_000).toISOString(),
    to: new Date(Math.min(at + MINUTES * 60_000, Date.now())).toISOString(),
  });
  return (
    <div class="related">
      <Link class="related-link" to={`/metrics?${params}`} keep={["project"]}>
        <Icon name="metrics" size={14} />
        <span>Metrics of {service}</span>
      </Link>
    </div>
  );
}

function Body({ row }: { row: Row }) {
  const [tab, setTab] = useState("fields");
  const line = lineOf(row);
  const columns = readColumns(useParam("cols"));
  const known = allFields(row).filter(([n, v]) => n !== "message" || v !== line.text);
  const fields = [...known, ...line.fields.filter(([n]) => !known.some(([k]) => k === n))];
  const asColumn = (name: string) => [
    { label: columns.includes(name) ? "Remove the column" : "Show as a column", icon: "logs" as const, run: () => setUrl({ cols: columnsParam(toggleColumn(columns, name)) }) },
  ];
  return (
    <>
      <div class="log-message">
        <p class="mono breakable">{line.text}</p>
        <CopyButton text={row.message} label="Copy the line" />
      </div>
      <Related traceId={row.trace_id} requestId={row.request_id} />
      {row.service && <MetricsLink row={row} service={row.service} />}
      <Segmented label="Show" value={tab} options={[["fields", "Fields"], ["context", "Context"], ["json", "JSON"]]} onChange={setTab} />
      {tab === "fields" && <FieldTable label="Fields of this line" fields={fields} more={asColumn} />}
      {tab === "context" && <Context row={row} />}
      {tab === "json" && <CodeBlock label="JSON" text={JSON.stringify(row, null, 2)} />}
    </>
  );
}

const SIDE = 12;
const MOST_SIDE = 200;
/** The lines before and after, of the same service and host, whatever the filters are. */
function Context({ row }: { row: Row }) {
  const { zone } = useStore(prefs);
  const [side, setSide] = useState(SIDE);
  const where = [row.service && `service=${row.service}`, row.host && `host=${row.host}`].filter((w): w is string => Boolean(w));
  const result = useQuery({
    queryKey: ["context", row.project, row.time, where, side],
    queryFn: async ({ signal }) => {
      const ask = (more: Record<string, string>) => get<{ rows: Row[] }>("logs", { project: row.project || "", where, limit: side + 1, ...more }, signal);
      const [before, after] = await Promise.all([ask({ end: row.time, order: "newest" }), ask({ start: row.time, order: "oldest" })]);
      return [...before.rows.slice(0, side).reverse(), ...after.rows];
    },
    staleTime: Infinity,
  });
  return (
    <Loaded result={result}>
      {(lines) => (
        <>
        <ol class="log-context" aria-label="Lines around this one">
          {lines.map((l, i) => (
            <li key={i} aria-current={l.time === row.time ? "true" : undefined}>
              <button type="button" class="log-context-line" onClick={() => setUrl({ row: l.time }, { replace: true })}>
                <span class="num faint">{formatTime(Date.parse(l.time), zone, true)}</span>
                <LevelMark level={l.level} dot />
                <span class="mono clip grow" title={lineOf(l).text}>
                  {lineOf(l).text}
                </span>
              </button>
            </li>
          ))}
        </ol>
        {side < MOST_SIDE && lines.length > side && (
          <Button small kind="quiet" onClick={() => setSide(Math.min(MOST_SIDE, side * 4))}>
            More lines around it
          </Button>
        )}
        </>
      )}
    </Loaded>
  );
}
