// Small pictures of a series, in a table cell or a card: a line or bars, without axes, with a sentence for those who
// do not see them. Charts one reads values from are the chart component's.
import { count } from "../lib/format";

export interface SparkProps {
  values: readonly (number | null)[];
  label: string;
  tone?: "accent" | "bad" | "muted" | "warn";
  width?: number;
  height?: number;
  format?: (value: number) => string;
}

const finite = (values: readonly (number | null)[]) => values.filter((v): v is number => v !== null && Number.isFinite(v));

export function summary(label: string, values: readonly (number | null)[], format: (v: number) => string = count): string {
  const known = finite(values);
  if (known.length === 0) return `${label}: no data`;
  const last = known.at(-1)!;
  return `${label}: latest ${format(last)}, highest ${format(Math.max(...known))}, lowest ${format(Math.min(...known))}`;
}

export function Sparkline({ values, label, tone = "accent", width = 120, height = 28, format }: SparkProps) {
  const top = Math.max(...finite(values), 0) || 1;
  const x = (i: number) => (values.length > 1 ? (i / (values.length - 1)) * (width - 2) + 1 : width / 2);
  const y = (v: number) => height - 2 - (v / top) * (height - 4);
  let line = "";
  let pen = false;
  let firstX = 0;
  let area = "";
  values.forEach((v, i) => {
    if (v === null || !Number.isFinite(v)) {
      pen = false;
      return;
    }
    const at = `${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    if (!pen) {
      if (area) area += `L${x(i - 1).toFixed(1)} ${height}L${firstX.toFixed(1)} ${height}Z`;
      firstX = x(i);
    }
    line += `${pen ? "L" : "M"}${at}`;
    area += `${pen ? "L" : "M"}${at}`;
    pen = true;
  });
  if (area) area += `L${x(lastKnown(values)).toFixed(1)} ${height}L${firstX.toFixed(1)} ${height}Z`;
  return (
    <svg class={`spark spark-${tone}`} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(label, values, format)}>
      {line ? (
        <>
          <path class="spark-area" d={area} />
          <path class="spark-line" d={line} vector-effect="non-scaling-stroke" />
        </>
      ) : (
        <path class="spark-none" d={`M1 ${height - 2}H${width - 1}`} vector-effect="non-scaling-stroke" />
      )}
    </svg>
  );
}
const lastKnown = (values: readonly (number | null)[]) => values.findLastIndex((v) => v !== null && Number.isFinite(v));

export function SparkBars({ values, label, tone = "muted", width = 96, height = 24 }: SparkProps) {
  const top = Math.max(...finite(values), 1);
  const step = width / Math.max(values.length, 1);
  const bars = values.map((v, i) => (v ? bar(i * step + step * 0.12, step * 0.76, Math.max(2, (v / top) * (height - 1)), height) : "")).join("");
  return (
    <svg class={`spark spark-${tone}`} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(label, values)}>
      <path class="spark-none" d={`M0 ${height - 0.5}H${width}`} vector-effect="non-scaling-stroke" />
      <path class="spark-bar" d={bars} />
    </svg>
  );
}

const bar = (x: number, width: number, tall: number, height: number) => `M${x.toFixed(1)} ${height}v${(-tall).toFixed(1)}h${width.toFixed(1)}v${tall.toFixed(1)}z`;

/** One bar divided by share: logs by level, storage by part. Each part is named in words. */
export function ShareBar({ parts, label }: { parts: readonly { name: string; value: number; className: string }[]; label: string }) {
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const words = parts.filter((part) => part.value > 0).map((part) => `${part.name} ${count(part.value)}`);
  return (
    <div class="share" role="img" aria-label={`${label}: ${words.join(", ") || "none"}`} title={words.join(" · ")}>
      {total > 0 && parts.map((part) => part.value > 0 && <i key={part.name} class={part.className} style={{ flexGrow: part.value, minWidth: "2px" }} />)}
    </div>
  );
}
