// The answer to a query over a range as a chart: the highest series, named by what tells them apart.
import { useMemo } from "preact/hooks";
import { plural } from "../../lib/format";
import { type Matrix, mostOf, seriesNames } from "../../lib/promql";
import { shortDuration } from "../../lib/time";
import { Chart, type ChartProps } from "./Chart";
import { type ChartSeries, grid, onGrid } from "./prepare";
import type { Unit } from "./units";

const DRAWN = 60;

interface Props extends Pick<ChartProps, "overlay" | "reach" | "actions"> {
  expr: string;
  matrix: readonly Matrix[];
  from: number;
  to: number;
  step: number;
  height: number;
  unit: Unit;
  onPaint?: (ms: number) => void;
}
export function MatrixChart(p: Props) {
  const { x, series } = useMemo(() => {
    const x = grid(p.from, p.to, p.step);
    const most = mostOf(p.matrix, DRAWN);
    const names = seriesNames(most.map((m) => m.metric), p.expr);
    return { x, series: most.map((m, i): ChartSeries => ({ name: names[i]!, values: onGrid(m.values, x, p.step) })) };
  }, [p.matrix, p.from, p.to, p.step, p.expr]);
  const note = `${p.matrix.length > DRAWN ? `the ${DRAWN} highest of ` : ""}${plural(p.matrix.length, "series", "series")} · a point each ${shortDuration(p.step * 1000)}`;
  return <Chart title={p.expr} plain x={x} series={series} unit={p.unit} height={p.height} kind={series.length === 1 ? "area" : "line"} note={note} onPaint={p.onPaint} overlay={p.overlay} reach={p.reach} actions={p.actions} />;
}
