// Data for a chart: one ascending x (Unix seconds) and, per series, a value or null at each x. Everything here is plain
// arithmetic; the canvas is elsewhere.

export type Values = readonly (number | null)[];
export interface ChartSeries {
  name: string;
  values: Values;
  /** A custom property to paint with ("--level-error"); otherwise the palette's next. */
  color?: string;
  /** Labels, shown in place of the name where there is room. */
  detail?: string;
}
export type Point = readonly [t: number, v: number | string | null];

/** The instants from `start` to `end`, one each `step` (all in seconds). */
export function grid(start: number, end: number, step: number): number[] {
  const n = Math.max(0, Math.floor((end - start) / step + 1e-6) + 1);
  return Array.from({ length: n }, (_, i) => start + i * step);
}

/** Points put onto the grid; where none is near, there is a gap. */
export function onGrid(points: readonly Point[], x: readonly number[], step: number): (number | null)[] {
  const out = new Array<number | null>(x.length).fill(null);
  const first = x[0] ?? 0;
  for (const [t, v] of points) {
    const at = Math.round((t - first) / step);
    const value = typeof v === "string" ? parseValue(v) : v;
    if (at >= 0 && at < out.length && value !== null && Number.isFinite(value)) out[at] = value;
  }
  return out;
}
/** Prometheus writes numbers as text: "1.5", "NaN", "+Inf". */
export const parseValue = (text: string): number | null => {
  const v = text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
  return Number.isNaN(v) ? null : v;
};

/** Sums from the first series upward; a gap in one counts nothing, a gap in all stays one. */
export function stack(series: readonly Values[]): (number | null)[][] {
  const length = series[0]?.length ?? 0;
  const sums = new Array<number>(length).fill(0);
  const known = new Array<boolean>(length).fill(false);
  return series.map((values) =>
    Array.from({ length }, (_, i) => {
      const v = values[i] ?? null;
      if (v !== null) {
        sums[i]! += v;
        known[i] = true;
      }
      return known[i] ? sums[i]! : null;
    }),
  );
}

/** Known values without a known neighbour: a line through them would not be seen, so they get a dot. */
export function isolated(values: Values): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

const PALETTE = 8;
const DASHES: readonly (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [9, 3, 2, 3]];
/** The colour (as a custom property) and dash of the n-th series; dashes tell apart what shares a colour. */
export function look(n: number): { color: string; dash: number[] | undefined } {
  return { color: `--data-${(n % PALETTE) + 1}`, dash: DASHES[Math.floor(n / PALETTE) % DASHES.length] };
}

/** The ends of a y axis: zero is always in sight unless the values lie far from it, and flat lines get room. */
export function yEnds(min: number, max: number, fixed: { min?: number | undefined; max?: number | undefined } = {}): [number, number] {
  let low = min;
  let high = max;
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  const far = low > 0 && high - low < low * 0.1;
  if (low >= 0 && !far) low = 0;
  if (high === low) high = low === 0 ? 1 : low + Math.abs(low) * 0.1;
  const room = (high - low) * 0.06;
  return [fixed.min ?? (low === 0 ? 0 : low - room), fixed.max ?? high + room];
}

export function extent(series: readonly Values[]): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (const values of series) {
    for (const v of values) {
      if (v === null || v === undefined) continue;
      if (v < min) min = v;
      if (v > max) max = v;
    }
  }
  return [min, max];
}
