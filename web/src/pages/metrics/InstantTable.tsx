// The answer to a query at the end of the range, as a table of labels and values.
import { type Column, Table } from "../../kit";
import { formatOf } from "../../kit/chart";
import { unitOf } from "./unit";

type Sample = { metric: Record<string, string>; value?: [number, string]; histogram?: [number, { count: string; sum: string }] };
export type InstantData = { resultType: string; result: Sample[] | [number, string] };

function InstantValue({ sample, format }: { sample: Sample; format: (v: number) => string }) {
  if (sample.histogram) {
    const { count, sum } = sample.histogram[1];
    return <span title={`A native histogram of ${count} observations, sum ${sum}`}>{count} observed</span>;
  }
  const text = sample.value?.[1];
  return <span title={text}>{text !== undefined && Number.isFinite(Number(text)) ? format(Number(text)) : (text ?? "–")}</span>;
}

export function InstantTable({ expr, data }: { expr: string; data: InstantData }) {
  const rows: Sample[] = data.resultType === "vector" || data.resultType === "matrix" ? (data.result as Sample[]) : [{ metric: {}, value: data.result as [number, string] }];
  const labels = [...new Set(rows.flatMap((r) => Object.keys(r.metric)))].sort().slice(0, 8);
  const format = formatOf(unitOf(expr));
  const columns: Column<Sample>[] = [
    ...labels.map((l): Column<Sample> => ({ key: l, header: l === "__name__" ? "metric" : l, width: "minmax(70px, 1fr)", cell: (r) => r.metric[l] ?? <span class="faint">–</span> })),
    { key: "value", header: "Value", width: "130px", align: "end", cell: (r) => <InstantValue sample={r} format={format} /> },
  ];
  const sorted = [...rows].sort((a, b) => Number(b.value?.[1]) - Number(a.value?.[1]));
  if (rows.length === 0) return <p class="faint">No series at the end of this range.</p>;
  return (
    <div class="metrics-table" style={{ height: `${Math.min(rows.length * 34 + 32, 420)}px` }}>
      <Table fill label={expr} rows={sorted} columns={columns} rowKey={(r) => JSON.stringify(r.metric)} />
    </div>
  );
}
