// A chart's data as a table: the newest first, only the rows in sight in the document.
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import { Table, type Column } from "../Table";
import type { ChartSeries } from "./prepare";
import { formatOf, type Unit } from "./units";

export function DataTable(p: { title: string; x: readonly number[]; series: readonly ChartSeries[]; unit: Unit; height: number }) {
  const { zone } = useStore(prefs);
  const format = formatOf(p.unit);
  const rows = p.x.map((_, i) => p.x.length - 1 - i).filter((i) => p.series.some((s) => s.values[i] != null));
  const columns: Column<number>[] = [
    { key: "time", header: "Time", width: "150px", cell: (i) => <span class="num">{formatDateTime(p.x[i]! * 1000, zone)}</span> },
    ...p.series.map((s, n): Column<number> => ({
      key: String(n),
      header: <span title={s.name}>{s.name}</span>,
      width: "minmax(96px, 1fr)",
      align: "end",
      cell: (i) => {
        const v = s.values[i];
        return v == null ? <span class="faint">–</span> : format(v);
      },
    })),
  ];
  return (
    <div class="chart-table" style={{ height: `${Math.max(p.height, 240)}px` }} tabIndex={0} role="region" aria-label={`${p.title}: data`}>
      <div class="chart-table-wide" style={{ minWidth: `${150 + p.series.length * 108}px` }}>
        <Table fill label={p.title} rows={rows} columns={columns} rowKey={(i) => i} rowHeight={27} />
      </div>
    </div>
  );
}
