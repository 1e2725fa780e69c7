import { useEffect, useMemo, useState } from "preact/hooks";
import { HereLink } from "../../app/Link";
import { type Column, LevelMark, levelClass, Table, Value } from "../../kit";
import { readColumns } from "../../lib/columns";
import { useListKeys } from "../../lib/cursor";
import { fieldOf, type Line, lineOf } from "../../lib/message";
import { prefs } from "../../lib/prefs";
import { isRow, rowId } from "../../lib/row-id";
import { useStore } from "../../lib/store";
import { formatDateTime, formatTime, type Zone } from "../../lib/time";
import type { Row } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";

const WIDTHS: Record<string, string> = { level: "84px", service: "120px", trace_id: "150px", request_id: "150px" };

const HEADS: Record<string, string> = { level: "Level", service: "Service", environment: "Environment", release: "Release", host: "Host" };

const widthOf = (name: string, phone = false) => (name === "time" ? (phone ? "56px" : "96px") : (WIDTHS[name] ?? "130px"));

/** `room`: letters that a message can show. */
export function logColumns(names: readonly string[], zone: Zone, room: number, phone = false): Column<Row>[] {
  return names.map((name): Column<Row> => {
    if (name === "time")
      return { key: name, header: "Time", width: widthOf(name, phone), cell: (r) => <HereLink tabIndex={-1} class="num muted row-link" patch={{ row: rowId(r), live: null }} title={formatDateTime(Date.parse(r.time), zone)}>{formatTime(Date.parse(r.time), zone, !phone)}</HereLink> };
    if (name === "message") return { key: name, header: "Message", width: "minmax(0, 1fr)", cell: (r) => <Message row={r} room={room} /> };
    if (name === "level") return { key: name, header: "Level", width: widthOf(name), wide: true, cell: (r) => <LevelMark level={r.level} /> };
    return { key: name, header: <span title={name}>{HEADS[name] ?? name}</span>, width: widthOf(name), wide: true, cell: (r) => <FieldCell row={r} name={name} /> };
  });
}

/** Text past the end of a row costs layout and is not seen; all of it is in the drawer. */
const NARROWEST_LETTER = 6.4; // px, of the compact density's monospace
const lettersIn = (window: number, columns: readonly string[], phone: boolean) =>
  Math.ceil((window - (phone ? 0 : columns.reduce((sum, name) => sum + (name === "message" ? 0 : parseInt(widthOf(name), 10)), 0))) / NARROWEST_LETTER);
const LONGEST_VALUE = 120;
function fieldsThatFit(line: Line, most: number): Line["fields"] {
  let room = most - line.text.length;
  return line.fields.filter(([name, value]) => {
    const fits = room > 0;
    room -= name.length + Math.min(value.length, LONGEST_VALUE) + 2;
    return fits;
  });
}
const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text);

function FieldCell({ row, name }: { row: Row; name: string }) {
  const value = fieldOf(row, name);
  return value === undefined || value === null ? <span class="faint">–</span> : <Value field={name} value={value} />;
}

function Message({ row, room }: { row: Row; room: number }) {
  const line = lineOf(row);
  return (
    <span class="mono log-line">
      <span class="log-text">{cut(line.text, room)}</span>
      {fieldsThatFit(line, room).flatMap(([name, value]) => [` ${name}=`, <span class="log-value">{cut(value, LONGEST_VALUE)}</span>])}
    </span>
  );
}

function useWindowWidth(): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const read = () => setWidth(innerWidth);
    addEventListener("resize", read);
    return () => removeEventListener("resize", read);
  }, []);
  return width;
}

interface Props {
  rows: readonly Row[];
  onAway?: (away: boolean) => void;
  onEnd?: () => void;
}
export function LogList({ rows, onAway, onEnd }: Props) {
  const { zone, density } = useStore(prefs);
  const cols = useParam("cols");
  const opened = useParam("row");
  const phone = matchMedia("(max-width: 760px)").matches;
  const width = useWindowWidth();
  const columns = useMemo(() => {
    const names = readColumns(cols);
    return logColumns(names, zone, lettersIn(width, names, phone), phone);
  }, [cols, zone, width, phone]);
  const open = (r: Row, how?: { replace: boolean }) => setUrl({ row: rowId(r) }, how);
  const keys = useListKeys(rows, rowId, (r) => open(r));
  // With a line open, moving the cursor shows the next one in its place.
  useEffect(() => {
    const at = rows[keys.cursor];
    if (opened && at && !isRow(at, opened)) open(at, { replace: true });
  }, [keys.cursor]);
  return (
    <Table<Row>
      fill
      label="Log lines"
      rows={rows}
      rowKey={(_, i) => i}
      rowHeight={phone ? 40 : density === "compact" ? 21 : 25}
      columns={columns}
      cursor={keys.cursor}
      selected={(r) => opened !== "" && isRow(r, opened)}
      rowClass={(r) => `log-${levelClass(r.level)}`}
      onOpen={(r) => open(r)}
      onAway={onAway}
      onEnd={onEnd}
    />
  );
}
