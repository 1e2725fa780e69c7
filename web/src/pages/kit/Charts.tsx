// The chart in its kinds: lines with a gap and a limit, stacked areas, stacked bars by level, and nothing at all.
import { useMemo } from "preact/hooks";
import { Chart } from "../../kit/chart";
import { useRange } from "../../lib/query";

const POINTS = 90;
const LIMIT = [{ value: 90, label: "limit 90ms", tone: "bad" as const }];

export function Charts() {
  const { start, end } = useRange();
  const { x, waves, shares, levels } = useMemo(() => {
    const wave = (height: number, slow: number, shift: number) => Array.from({ length: POINTS }, (_, i) => height * (1.4 + Math.sin(i / slow + shift)) + ((i * 37 + shift * 11) % 13));
    const counts = (most: number, every: number) => Array.from({ length: POINTS }, (_, i) => (i % every === 0 ? null : Math.round(most * (0.6 + 0.4 * Math.sin(i / 9)))));
    return {
      x: Array.from({ length: POINTS }, (_, i) => (start + ((end - start) * i) / POINTS) / 1000),
      waves: [
        { name: "p50", values: wave(18, 9, 0) },
        { name: "p95", values: wave(38, 7, 1).map((v, i) => (i > 40 && i < 50 ? null : v)) },
      ],
      shares: ["shop", "payments", "mail"].map((name, i) => ({ name, values: wave(20 - 4 * i, 8 + i, i) })),
      levels: [
        { name: "error", values: counts(6, 3), color: "--level-error" },
        { name: "warning", values: counts(14, 5), color: "--level-warning" },
        { name: "info", values: counts(80, 90), color: "--level-info" },
      ],
    };
  }, [start, end]);
  return (
    <div class="kit-charts">
      <Chart title="Latency" x={x} series={waves} unit="milliseconds" thresholds={LIMIT} />
      <Chart title="Requests by service" x={x} series={shares} kind="area" stacked unit="rate" />
      <Chart title="Lines by level" x={x} series={levels} kind="bars" stacked unit="count" legend="line" />
      <Chart title="Nothing yet" x={[]} series={[]} />
    </div>
  );
}
