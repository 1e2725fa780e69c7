// A chart: title, picture, legend as a table, the same data as a table, and a sentence for those who do not see it.
// Drag zooms the whole page's time range, double click widens it, hover is shared by all charts of the page. With the
// keyboard: arrows move along the points, Shift marks, Enter zooms to the mark, - widens. A chart is painted when it
// comes near the window, and what paints is fetched with the first of them.
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { prefs } from "../../lib/prefs";
import { useRange } from "../../lib/query";
import { type Store, store, useStore } from "../../lib/store";
import { formatDateTime, type Span, widenRange } from "../../lib/time";
import { IconButton } from "../Button";
import { DataTable } from "./DataTable";
import { Legend, Swatch } from "./Legend";
import type { Plot, PlotInput, Threshold } from "./plot";
import type { ChartSeries } from "./prepare";
import { describe } from "./summary";
import { formatOf, type Unit } from "./units";
import { whenNear } from "./near";
import "./chart.css";

export interface ChartProps {
  title: string;
  /** Unix seconds, ascending. */
  x: readonly number[];
  series: readonly ChartSeries[];
  kind?: "line" | "area" | "bars";
  stacked?: boolean;
  unit?: Unit;
  height?: number;
  thresholds?: readonly Threshold[];
  min?: number;
  max?: number;
  /** "none" for charts whose series are named elsewhere. */
  legend?: "table" | "line" | "none";
  /** The title is for those who listen only, and nothing stands above the picture. */
  plain?: boolean;
  /** Milliseconds shown; the address's range otherwise. */
  span?: Span;
  actions?: ComponentChildren;
  note?: ComponentChildren;
  onPaint?: (ms: number) => void;
  /** What lies over the picture, given where instants and values are; drawn again when the picture is. */
  overlay?: ((place: Place) => ComponentChildren) | undefined;
  /** Values of the overlay that the axis should reach. */
  reach?: readonly number[] | undefined;
}
export type Place = Plot["place"];

/** What paints; its code comes with the first chart that is drawn, not with the first that is in sight. */
let painter: Promise<typeof import("./plot")> | null = null;
const fetchPainter = () => (painter ??= import("./plot").catch((e: unknown) => {
  painter = null; // the next chart tries again
  throw e;
}));

const NO_THRESHOLDS: readonly Threshold[] = [];
type CursorAt = { index: number; left: number } | null;

export function Chart(p: ChartProps) {
  const { kind = "line", stacked = false, unit = "none", height = 180, thresholds = NO_THRESHOLDS, legend = "table" } = p;
  const { start, end, range, setRange } = useRange();
  const { zone } = useStore(prefs);
  const [asTable, setAsTable] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const from = p.span?.start ?? start;
  const to = p.span?.end ?? end;
  const shown = useMemo(() => p.series.map((s) => !hidden.has(s.name)), [p.series, hidden]);
  const input = useMemo(
    (): PlotInput => ({ x: p.x, series: p.series, shown, kind, stacked, unit, zone, span: { start: from, end: to }, thresholds, min: p.min, max: p.max, reach: p.reach, bare: false }),
    [p.x, p.series, shown, kind, stacked, unit, zone, from, to, thresholds, p.min, p.max, p.reach],
  );
  const format = formatOf(unit);
  const words = useMemo(() => describe(p.title, p.series, format), [p.title, p.series, format]);
  const id = useId();
  const zoom = (span: Span) => setRange({ kind: "absolute", from: Math.round(span.start), to: Math.round(span.end) });
  const isolate = (name: string, add: boolean) => setHidden(toggled(p.series, hidden, name, add));
  const tableSwitch = (
    <IconButton small icon={asTable ? "metrics" : "logs"} label={asTable ? "View as chart" : "View as table"} on={asTable} onClick={() => setAsTable(!asTable)} />
  );
  return (
    <figure class={p.plain ? "chart chart-plain" : "chart"} aria-labelledby={`${id}-t`}>
      <figcaption class="chart-head">
        <span id={`${id}-t`} class={p.plain ? "hear-only" : "chart-title clip"} title={p.title}>
          {p.title}
        </span>
        {p.note && <span class="chart-note faint clip">{p.note}</span>}
        <span class="grow" />
        {p.actions}
        {tableSwitch}
      </figcaption>
      <p class="hear-only" id={`${id}-s`}>
        {words}
      </p>
      {asTable ? (
        <DataTable title={p.title} x={p.x} series={p.series} unit={unit} height={height} />
      ) : (
        <Canvas input={input} height={height} label={p.title} describedBy={`${id}-s`} onZoom={zoom} onZoomOut={() => setRange(widenRange(range, Date.now()))} onPaint={p.onPaint} overlay={p.overlay} />
      )}
      {!asTable && legend !== "none" && p.series.length > 0 && (
        <Legend series={p.series} shown={shown} format={format} compact={legend === "line"} swatch={kind === "line" ? "line" : "block"} onPick={isolate} />
      )}
    </figure>
  );
}

/** A click shows one series alone, a second click all again; with Ctrl, ⌘ or Shift it takes one away or back. */
export function toggled(series: readonly ChartSeries[], hidden: ReadonlySet<string>, name: string, add: boolean): Set<string> {
  if (add) {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    return next.size >= series.length ? new Set() : next;
  }
  const others = series.map((s) => s.name).filter((n) => n !== name);
  const alone = others.length > 0 && !hidden.has(name) && others.every((n) => hidden.has(n));
  return new Set(alone ? [] : others);
}

interface CanvasProps {
  input: PlotInput;
  height: number;
  label: string;
  describedBy: string;
  onZoom: (span: Span) => void;
  onZoomOut: () => void;
  onPaint: ((ms: number) => void) | undefined;
  overlay: ChartProps["overlay"];
}
function Canvas(p: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(p);
  latest.current = p;
  const cursor = useMemo(() => store<CursorAt>(null), []);
  const [near, setNear] = useState(false);
  const [, setDrawn] = useState(0);

  useEffect(() => {
    void fetchPainter().catch(() => {});
    return whenNear(frame.current!, () => setNear(true));
  }, []);
  useEffect(() => {
    if (!near) return;
    let gone = false;
    let unwatch = () => {};
    void fetchPainter().then(({ Plot }) => {
      if (gone || !host.current) return;
      const at = performance.now();
      plot.current = new Plot(host.current, {
        onZoom: (span) => latest.current.onZoom(span),
        onZoomOut: () => latest.current.onZoomOut(),
        onCursor: (c) => cursor.set(c?.own ? c : null),
        onDrawn: () => latest.current.overlay && setDrawn((n) => n + 1),
      });
      plot.current.update(latest.current.input);
      latest.current.onPaint?.(performance.now() - at);
      const observer = new ResizeObserver(() => plot.current?.resize());
      observer.observe(host.current);
      unwatch = () => observer.disconnect();
    });
    return () => {
      gone = true;
      unwatch();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [near]);
  useEffect(() => plot.current?.update(p.input), [p.input]);

  return (
    <div class="chart-frame" ref={frame} style={{ height: `${p.height}px` }}>
      <div class="chart-host" ref={host} />
      <Cursor {...p} cursor={cursor} plot={plot} />
      {p.overlay && plot.current && p.overlay((time, value) => plot.current?.place(time, value) ?? null)}
      {p.input.series.length === 0 && <p class="chart-none faint">No data in this range</p>}
    </div>
  );
}

/** The keyboard's hold on the chart, and the words beside the cursor. */
function Cursor(p: CanvasProps & { cursor: Store<CursorAt>; plot: { current: Plot | null } }) {
  const { x, series, shown, zone, unit } = p.input;
  const at = useStore(p.cursor);
  const [key, setKey] = useState(-1);
  const [mark, setMark] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const format = formatOf(unit);
  const index = key >= 0 ? Math.min(key, x.length - 1) : (at?.index ?? -1);
  const rows = useMemo(() => (index < 0 ? [] : rowsAt(series, shown, index)), [series, shown, index]);
  const time = x[index] === undefined ? "" : formatDateTime(x[index]! * 1000, zone);

  useLayoutEffect(() => {
    const el = box.current;
    if (!el || !at) return;
    const room = el.parentElement!.clientWidth;
    const left = at.left + 14 + el.offsetWidth > room ? at.left - 14 - el.offsetWidth : at.left + 14;
    el.style.transform = `translateX(${Math.max(0, Math.min(left, room - el.offsetWidth))}px)`;
  });
  const leave = () => {
    setKey(-1);
    setMark(null);
    p.plot.current?.leave();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const plot = p.plot.current;
    const step = { ArrowRight: 1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -x.length, End: x.length }[e.key];
    if (!plot || x.length === 0 || e.ctrlKey || e.metaKey || e.altKey) return;
    if (step !== undefined) {
      const next = Math.max(0, Math.min(x.length - 1, (key < 0 ? (at?.index ?? x.length - 1) - step : key) + step));
      const from = e.shiftKey ? (mark ?? Math.max(key, 0)) : null;
      setKey(next);
      setMark(from);
      plot.moveTo(next);
      plot.select(from ?? next, next);
    } else if (e.key === "Enter" && key >= 0) {
      const [a, b] = [mark ?? Math.max(0, key - 5), mark === null ? Math.min(x.length - 1, key + 5) : key];
      if (a !== b) p.onZoom({ start: Math.min(x[a]!, x[b]!) * 1000, end: Math.max(x[a]!, x[b]!) * 1000 });
      leave();
    } else if (e.key === "-") p.onZoomOut();
    else if (e.key === "Escape" && key >= 0) leave();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const spoken = index < 0 ? "Arrow keys read the points" : `${time}: ${rows.map((r) => `${r.name} ${format(r.value)}`).join(", ") || "no data"}`;
  return (
    <>
      <div
        class="chart-keys"
        role="slider"
        tabIndex={0}
        aria-label={`${p.label}: points`}
        aria-describedby={p.describedBy}
        aria-valuemin={0}
        aria-valuemax={Math.max(x.length - 1, 0)}
        aria-valuenow={Math.max(index, 0)}
        aria-valuetext={spoken}
        onKeyDown={onKeyDown}
        onBlur={leave}
      />
      {index >= 0 && at && (
        <div class="chart-tip" ref={box} aria-hidden="true">
          <div class="num muted">{time}</div>
          {rows.slice(0, MOST_ROWS).map((r) => (
            <div key={r.index} class="row">
              <Swatch series={series[r.index]!} index={r.index} kind={p.input.kind === "line" ? "line" : "block"} />
              <span class="clip grow">{r.name}</span>
              <span class="num strong">{format(r.value)}</span>
            </div>
          ))}
          {rows.length > MOST_ROWS && <div class="faint">and {rows.length - MOST_ROWS} more</div>}
        </div>
      )}
    </>
  );
}
const MOST_ROWS = 10;

/** What is known at an index, the greatest first. */
function rowsAt(series: readonly ChartSeries[], shown: readonly boolean[], at: number) {
  return series
    .map((s, index) => ({ index, name: s.name, value: shown[index] ? (s.values[at] ?? null) : null }))
    .filter((r): r is typeof r & { value: number } => r.value !== null)
    .sort((a, b) => b.value - a.value);
}
