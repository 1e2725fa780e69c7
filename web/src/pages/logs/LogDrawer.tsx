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
import { findRow, timeOfId } from "../../lib/row-id";
import { useStore } from "../../lib/store";
import { formatDate, formatTime } from "../../lib/time";
import type { Row } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";
import { Context } from "./Context";

const TIES = 200;
export default function LogDrawer({ rows }: { rows: readonly Row[] }) {
  const id = useParam("row");
  const time = timeOfId(id);
  const project = useParam("project");
  const [tab, setTab] = useState("fields");
  const found = id ? findRow(rows, id) : undefined;
  // A shared link may open a line that this list has not loaded.
  const alone = useQuery({
    queryKey: ["row", "logs", id, project],
    queryFn: async ({ signal }) => findRow((await get<{ rows: Row[] }>("logs", { start: time, end: nextInstant(time), limit: TIES, project }, signal)).rows, id, true) ?? null,
    enabled: time !== "" && !found,
    staleTime: Infinity,
  });
  const row = found ?? (alone.isPlaceholderData ? null : alone.data);
  if (!time) return null;
  return (
    <Drawer label="Log line" title={row ? <DrawerTitle row={row} /> : "Log line"} onClose={() => setUrl({ row: null })} actions={row && <DrawerActions row={row} />}>
      {row ? <Body key={id} row={row} tab={tab} onTab={setTab} /> : <Loaded result={alone}>{() => <p class="faint">This line is not kept any more.</p>}</Loaded>}
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

function Body({ row, tab, onTab }: { row: Row; tab: string; onTab: (tab: string) => void }) {
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
      <Segmented label="Show" value={tab} options={[["fields", "Fields"], ["context", "Context"], ["json", "JSON"]]} onChange={onTab} />
      {tab === "fields" && <FieldTable label="Fields of this line" fields={fields} more={asColumn} />}
      {tab === "context" && <Context row={row} />}
      {tab === "json" && <CodeBlock label="JSON" text={JSON.stringify(row, null, 2)} />}
    </>
  );
}
