// uPlot, held by the hand: builds one plot from a description, feeds it new data, draws it again when the theme
// changes. Legend, words and tables are the component's; this file is a chunk of its own, fetched with the first chart.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Span, Zone } from "../../lib/time";
import { type ChartSeries, extent, isolated, look, stack, yEnds } from "./prepare";
import { faded, paint, themeTurn } from "./theme";
import { timeTicks } from "./ticks";
import { formatOf, ticksOf, type Unit } from "./units";

export interface Threshold {
  value: number;
  label: string;
  tone: "bad" | "warn";
}
export interface PlotInput {
  x: readonly number[];
  series: readonly ChartSeries[];
  /** Series shown; the others keep their colours. */
  shown: readonly boolean[];
  kind: "line" | "area" | "bars";
  stacked: boolean;
  unit: Unit;
  zone: Zone;
  span: Span;
  thresholds: readonly Threshold[];
  min?: number | undefined;
  max?: number | undefined;
  /** Values that have a place, too, though no series has them; one far above the series does not flatten them. */
  reach?: readonly number[] | undefined;
  /** Without axes' words: only the shape. */
  bare: boolean;
}
export interface PlotEvents {
  onZoom(span: Span): void;
  onZoomOut(): void;
  /** The index under the cursor and where it is, in CSS pixels of the plot; null when the cursor left. */
  onCursor(at: { index: number; left: number; own: boolean } | null): void;
  /** The picture was painted: what lies over it finds its places anew. */
  onDrawn?(): void;
}
const SYNC = "telltale";
const FONT = "11px Inter, system-ui, sans-serif";

export class Plot {
  private plot: uPlot | null = null;
  private shape = "";
  private input: PlotInput | null = null;
  private readonly unsubscribe: () => void;
  /** The cursor is being moved by this chart's own keys. */
  private keyed = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly events: PlotEvents,
  ) {
    this.unsubscribe = themeTurn.subscribe(() => this.plot?.redraw(false));
  }

  update(input: PlotInput): void {
    const shape = JSON.stringify([input.kind, input.stacked, input.unit, input.zone, input.bare, input.series.map((s) => s.color ?? ""), input.shown]);
    this.input = input;
    if (this.plot && shape === this.shape) {
      this.plot.setData(data(input));
      return;
    }
    this.destroyPlot();
    this.shape = shape;
    this.plot = new uPlot(this.options(input), data(input), this.host);
  }
  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (this.plot && width > 0 && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }
  /** Puts the cursor onto a point, as a pointer would. */
  moveTo(index: number): void {
    const u = this.plot;
    if (u) this.setCursor({ left: u.valToPos(u.data[0][index]!, "x"), top: u.over.clientHeight / 2 });
  }
  /** Marks from one point to another, as a drag would. */
  select(a: number, b: number): void {
    const u = this.plot;
    if (!u) return;
    const ends = [a, b].map((i) => u.valToPos(u.data[0][i]!, "x")).sort((p, q) => p - q) as [number, number];
    u.setSelect({ left: ends[0], width: ends[1] - ends[0], top: 0, height: u.over.clientHeight }, false);
  }
  /** Where an instant (Unix seconds) and a value lie, in CSS pixels of the plot; a value beyond the picture lies at its edge,
      and none at its foot. Null where nothing is drawn, and for what is out of the range. */
  place(time: number, value: number | null): { left: number; top: number } | null {
    const u = this.plot;
    if (!u || u.over.clientWidth === 0) return null;
    const left = u.valToPos(time, "x");
    if (!(left >= 0 && left <= u.over.clientWidth)) return null;
    const foot = u.over.clientHeight;
    const at = value === null ? foot : u.valToPos(value, "y");
    return { left: left + u.over.offsetLeft, top: Math.max(0, Math.min(foot, Number.isFinite(at) ? at : foot)) + u.over.offsetTop };
  }
  leave(): void {
    this.setCursor({ left: -10, top: -10 });
    this.plot?.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }
  private setCursor(at: { left: number; top: number }): void {
    this.keyed = true;
    // The third argument tells the other plots of the page; uPlot's types leave it out.
    (this.plot as unknown as { setCursor(at: object, hooks: boolean, publish: boolean): void } | null)?.setCursor(at, true, true);
    this.keyed = false;
  }
  destroy(): void {
    this.unsubscribe();
    this.destroyPlot();
  }
  private destroyPlot(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private options(input: PlotInput): uPlot.Options {
    const order = drawOrder(input);
    return {
      width: this.host.clientWidth || 300,
      height: this.host.clientHeight || 160,
      ms: 1e-3,
      pxAlign: 1,
      padding: input.bare ? [2, 0, 2, 0] : [8, 10, 0, 0],
      legend: { show: false },
      tzDate: (ts) => (input.zone === "utc" ? uPlot.tzDate(new Date(ts * 1000), "Etc/UTC") : new Date(ts * 1000)),
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { show: input.kind !== "bars", size: 6, width: 1.5, fill: () => paint("--surface") },
        sync: { key: SYNC, scales: ["x", null], setSeries: false, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        bind: { dblclick: () => () => (this.events.onZoomOut(), null) },
      },
      scales: {
        x: { time: true, range: () => [this.input!.span.start / 1000, this.input!.span.end / 1000] },
        y: { range: () => this.yRange() },
      },
      axes: input.bare ? [{ show: false }, { show: false }] : this.axes(input),
      series: [{}, ...order.map((i) => drawn(input, i, order))],
      bands: input.stacked && input.kind === "area" ? order.slice(1).map((_, i) => ({ series: [i + 1, i + 2] as [number, number] })) : [],
      hooks: {
        draw: [(u) => drawThresholds(u, this.input!.thresholds), () => this.events.onDrawn?.()],
        setSelect: [(u) => this.selected(u)],
        setCursor: [(u) => this.cursorMoved(u)],
      },
    };
  }
  private yRange(): [number, number] {
    const input = this.input!;
    const visible = input.series.filter((_, i) => input.shown[i]).map((s) => s.values);
    const [low, high] = extent(input.stacked ? stack(visible) : visible);
    const reach = [...input.thresholds.map((t) => t.value), ...(input.reach ?? [])].filter((v) => v <= high * 3);
    const base = input.kind === "line" && !input.stacked ? low : Math.min(0, low);
    return yEnds(Math.min(base, ...reach), Math.max(high, ...reach), input);
  }
  private axes(input: PlotInput): uPlot.Axis[] {
    const format = formatOf(input.unit);
    const incrs = ticksOf(input.unit);
    const common = { font: FONT, stroke: () => paint("--text-3"), ticks: { show: false } };
    const gridLine = { stroke: () => paint("--line"), width: 1 };
    return [
      { ...common, grid: { show: false }, size: 26, space: 64, gap: 6, values: (_u, ticks, _i, _space, step) => timeTicks(ticks, step, input.zone) },
      {
        ...common,
        grid: gridLine,
        // A low chart, too, has a line above 0.
        space: (this.host.clientHeight || 160) < 120 ? 22 : 34,
        gap: 6,
        ...(incrs ? { incrs } : {}),
        values: (_u, ticks) => ticks.map((v) => (v === 0 ? "0" : format(v))),
        size: (_u, values) => Math.max(30, ...(values ?? []).map((v) => v.length * 6.3 + 14)),
      },
    ];
  }
  private selected(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 4) return;
    const span = { start: u.posToVal(left, "x") * 1000, end: u.posToVal(left + width, "x") * 1000 };
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (span.end - span.start >= 1) this.events.onZoom(span);
  }
  private cursorMoved(u: uPlot): void {
    const { idx, left } = u.cursor;
    const own = this.keyed || (u.cursor.event != null && u.over.contains(u.cursor.event.target as Node));
    this.events.onCursor(idx == null || left === undefined || left < 0 ? null : { index: idx, left: left + u.over.offsetLeft, own });
  }
}

/** Stacked series are drawn from the top of the pile down, so that the lower ones lie over the higher. */
function drawOrder(input: PlotInput): number[] {
  const order = input.series.map((_, i) => i).filter((i) => input.shown[i]);
  return input.stacked ? order.reverse() : order;
}

function data(input: PlotInput): uPlot.AlignedData {
  const order = drawOrder(input);
  if (!input.stacked) return [input.x, ...order.map((i) => input.series[i]!.values)] as uPlot.AlignedData;
  const sums = stack([...order].reverse().map((i) => input.series[i]!.values));
  return [input.x, ...sums.reverse()] as uPlot.AlignedData;
}

let bars: uPlot.Series.PathBuilder | undefined;
function drawn(input: PlotInput, index: number, order: readonly number[]): uPlot.Series {
  const s = input.series[index]!;
  const { color: own, dash } = look(index);
  const color = s.color ?? own;
  const dots = { show: false, filter: (u: uPlot, i: number) => isolated(u.data[i] as (number | null)[]), size: 4 } as unknown as uPlot.Series.Points;
  if (input.kind === "bars") {
    bars ??= uPlot.paths.bars!({ size: [0.86, 40], align: 1, gap: 0 });
    return { stroke: () => paint(color), fill: () => paint(color), width: 0, paths: bars, points: { show: false } };
  }
  const alpha = input.stacked ? 0.55 : order.length === 1 ? 0.12 : 0.06;
  const line: uPlot.Series = { stroke: () => paint(color), width: 1.5, points: dots, ...(dash && !s.color ? { dash } : {}) };
  return input.kind === "area" ? { ...line, fill: () => faded(color, alpha) } : line;
}

function drawThresholds(u: uPlot, thresholds: readonly Threshold[]): void {
  const { ctx, bbox } = u;
  for (const t of thresholds) {
    const y = Math.round(u.valToPos(t.value, "y", true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = paint(t.tone === "bad" ? "--bad" : "--warn");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.fillText(t.label, bbox.left + bbox.width - 4 * devicePixelRatio, y - 4 * devicePixelRatio);
    ctx.restore();
  }
}
