// Every trace of the list as a dot: when it began and how long it took, on a logarithmic scale. A dot opens its trace;
// failed ones are crosses, so that shape says it as well as colour. The list below is the same as text.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { paint, themeTurn } from "../../kit/chart/theme";
import { timeTicks } from "../../kit/chart/ticks";
import { duration, plural } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { useRange } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";
import type { TraceSummary } from "./types";

const HEIGHT = 118;
const LEFT = 48;
const BOTTOM = 20;
const NEAR_PX = 9;

export interface Dot {
  x: number;
  y: number;
  trace: TraceSummary;
}
/** Where each trace lies, in pixels; `low` and `high` are the scale's ends in milliseconds. */
export function placeDots(traces: readonly TraceSummary[], span: { start: number; end: number }, width: number, height: number) {
  const known = traces.map((t) => Math.max(t.duration_ms, 0.01));
  const low = Math.min(...known, 1000);
  const high = Math.max(...known, low * 10);
  const scale = Math.log(high / low);
  const y = (ms: number) => 6 + (height - 12) * (1 - Math.log(Math.max(ms, low) / low) / scale);
  const dots = traces.map((trace): Dot => ({ x: ((Date.parse(trace.start) - span.start) / (span.end - span.start)) * width, y: y(trace.duration_ms), trace }));
  return { dots: dots.filter((d) => d.x >= 0 && d.x <= width), y, low, high };
}
export function nearest(dots: readonly Dot[], x: number, y: number, within = NEAR_PX): Dot | null {
  let best: Dot | null = null;
  let least = within * within;
  for (const d of dots) {
    const far = (d.x - x) ** 2 + (d.y - y) ** 2;
    if (far <= least) [best, least] = [d, far];
  }
  return best;
}

/** The time the dots lie in: the range, or as far back as the list goes where it ends before the range does. */
export function dotSpan(traces: readonly TraceSummary[], range: { start: number; end: number }, cut: boolean): { start: number; end: number } {
  if (!cut || traces.length === 0) return range;
  const oldest = Math.min(...traces.map((t) => Date.parse(t.start)));
  return { start: Math.max(range.start, Math.min(oldest, range.end - 1000)), end: range.end };
}

/** `cut`: there are more traces in the range than these newest ones. `table` is the id of the table that says the same. */
export function Scatter({ traces, cut, table, onOpen }: { traces: readonly TraceSummary[]; cut: boolean; table: string | undefined; onOpen: (t: TraceSummary) => void }) {
  const range = useRange();
  const { setRange } = range;
  const { start, end } = useMemo(() => dotSpan(traces, { start: range.start, end: range.end }, cut), [traces, range.start, range.end, cut]);
  const { zone } = useStore(prefs);
  const theme = useStore(themeTurn);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [over, setOver] = useState<Dot | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  const inner = Math.max(width - LEFT - 8, 1);
  const placed = useMemo(() => placeDots(traces, { start, end }, inner, HEIGHT - BOTTOM), [traces, start, end, inner]);
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, width, placed, { start, end }, zone);
  }, [width, placed, theme, zone]);

  const slow = traces.reduce<TraceSummary | null>((most, t) => (!most || t.duration_ms > most.duration_ms ? t : most), null);
  const wrong = traces.filter((t) => t.error_count > 0).length;
  const words = slow ? `Duration of ${plural(traces.length, "trace")} over time: ${wrong} failed, the slowest ${duration(slow.duration_ms)} (${slow.root_service} ${slow.root_name}). All are in the table below.` : "No traces";
  const at = (e: MouseEvent): [number, number] => {
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect();
    return [e.clientX - box.left - LEFT, e.clientY - box.top];
  };
  const release = (e: PointerEvent) => {
    const [x, y] = at(e);
    const moved = drag && Math.abs(drag[1] - drag[0]) > 6;
    if (moved) {
      const time = (px: number) => Math.round(start + (Math.max(0, Math.min(inner, px)) / inner) * (end - start));
      setRange({ kind: "absolute", from: time(Math.min(...drag)), to: time(Math.max(...drag)) });
    } else {
      const dot = nearest(placed.dots, x, y);
      if (dot) onOpen(dot.trace);
    }
    setDrag(null);
  };
  return (
    <figure class="chart" aria-details={table}>
      <figcaption class="chart-head">
        <span class="chart-title">Duration</span>
        <span class="faint chart-note">{over ? `${over.trace.root_service} ${over.trace.root_name} · ${duration(over.trace.duration_ms)} · ${formatTime(Date.parse(over.trace.start), zone)}` : cut ? `of these ${traces.length}; a dot opens its trace` : "a dot opens its trace"}</span>
      </figcaption>
      <div
        class={over ? "scatter scatter-over" : "scatter"}
        onPointerDown={(e) => setDrag([at(e)[0], at(e)[0]])}
        onPointerMove={(e) => {
          const [x, y] = at(e);
          if (drag) setDrag([drag[0], x]);
          else setOver(nearest(placed.dots, x, y));
        }}
        onPointerLeave={() => {
          setOver(null);
          setDrag(null);
        }}
        onPointerUp={release}
      >
        <canvas ref={canvas} role="img" aria-label={words} />
        {drag && <i class="scatter-drag" style={{ left: `${LEFT + Math.min(...drag)}px`, width: `${Math.abs(drag[1] - drag[0])}px` }} />}
      </div>
    </figure>
  );
}

function draw(canvas: HTMLCanvasElement, width: number, placed: ReturnType<typeof placeDots>, span: { start: number; end: number }, zone: "local" | "utc"): void {
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  const g = canvas.getContext("2d");
  if (!g) return;
  g.scale(ratio, ratio);
  g.font = "11px Inter, system-ui, sans-serif";
  g.textAlign = "right";
  for (let ms = 10 ** Math.ceil(Math.log10(placed.low)); ms <= placed.high; ms *= 10) {
    const y = Math.round(placed.y(ms)) + 0.5;
    g.fillStyle = paint("--line");
    g.fillRect(LEFT, y, width - LEFT - 8, 1);
    g.fillStyle = paint("--text-3");
    g.fillText(duration(ms), LEFT - 6, y + 4);
  }
  const inner = width - LEFT - 8;
  const many = Math.max(2, Math.floor(inner / 110));
  const ticks = Array.from({ length: many }, (_, i) => (span.start + ((i + 0.5) / many) * (span.end - span.start)) / 1000);
  g.textAlign = "center";
  timeTicks(ticks, (span.end - span.start) / 1000 / ticks.length, zone).forEach((text, i) => g.fillText(text.replace("\n", " "), LEFT + ((i + 0.5) / ticks.length) * inner, HEIGHT - 5));
  g.fillStyle = paint("--accent");
  g.globalAlpha = 0.55;
  for (const d of placed.dots) if (d.trace.error_count === 0) dot(g, LEFT + d.x, d.y);
  g.globalAlpha = 0.9;
  g.strokeStyle = paint("--level-error");
  g.lineWidth = 1.6;
  for (const d of placed.dots) if (d.trace.error_count > 0) cross(g, LEFT + d.x, d.y);
}
function dot(g: CanvasRenderingContext2D, x: number, y: number): void {
  g.beginPath();
  g.arc(x, y, 2.4, 0, Math.PI * 2);
  g.fill();
}
function cross(g: CanvasRenderingContext2D, x: number, y: number): void {
  g.beginPath();
  g.moveTo(x - 3, y - 3);
  g.lineTo(x + 3, y + 3);
  g.moveTo(x + 3, y - 3);
  g.lineTo(x - 3, y + 3);
  g.stroke();
}
