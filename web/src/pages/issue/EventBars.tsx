// Events an hour (or longer) as bars, with a mark where a release was first seen; dragging narrows the time range. With
// the keyboard: arrows move along the bars, Shift marks, Enter zooms. In words for those who do not see it, and as a
// table.
import { useState } from "preact/hooks";
import { Button } from "../../kit";
import { count, plural } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDate, formatDateTime, formatTime, type Zone } from "../../lib/time";
import type { ReleaseCount } from "../../lib/types";

export interface Bar {
  start: number;
  end: number;
  value: number;
}
const MOST_BARS = 72;

/** Hourly counts over a span, empty hours included, joined until there are at most MOST_BARS. */
export function toBars(hours: readonly (readonly [t: number, n: number | null])[], start: number, end: number): Bar[] {
  const HOUR = 3600e3;
  const first = Math.floor(start / HOUR) * HOUR;
  const total = Math.max(1, Math.ceil((end - first) / HOUR));
  const join = Math.ceil(total / MOST_BARS);
  const bars: Bar[] = [];
  for (let i = 0; i < total; i += join) bars.push({ start: first + i * HOUR, end: first + (i + join) * HOUR, value: 0 });
  for (const [t, n] of hours) {
    const bar = bars[Math.floor((t * 1000 - first) / (HOUR * join))];
    if (bar) bar.value += n ?? 0;
  }
  return bars;
}

interface Marked {
  from: number;
  to: number;
}
type Step = (count: number) => number;
const STEPS: Record<string, Step> = { ArrowRight: () => 1, ArrowLeft: () => -1, PageUp: () => 10, PageDown: () => -10, Home: (n) => -n, End: (n) => n };

/** Where a key leads: the bar it stands on and, with Shift, from where it marks. */
export function keyStep(now: Marked | null, key: string, shift: boolean, count: number): Marked | null {
  const by = STEPS[key]?.(count);
  if (by === undefined) return null;
  const to = now ? Math.max(0, Math.min(count - 1, now.to + by)) : by > 0 && key !== "End" ? 0 : key === "Home" ? 0 : count - 1;
  return { from: shift && now ? now.from : to, to };
}

/** Words under the axis: a day where the bars are days, with the time where they lie within a few days. */
export function axisWords(ms: number, first: number, last: number, zone: Zone): string {
  const [date, clock] = [formatDate(ms, zone).slice(5), formatTime(ms, zone).slice(0, 5)];
  const span = last - first;
  return span > 4 * DAY ? date : span >= DAY / 2 ? `${date} ${clock}` : clock;
}
const DAY = 86400e3;

export function EventBars(p: { bars: readonly Bar[]; releases: readonly ReleaseCount[]; onZoom: (from: number, to: number) => void }) {
  const { zone } = useStore(prefs);
  const [asTable, setAsTable] = useState(false);
  const { bars } = p;
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  const top = Math.max(...bars.map((b) => b.value), 1);
  return (
    <figure class="bars">
      <figcaption class="row">
        <span class="faint num grow">
          Events {last.end - first.start > bars.length * 3600e3 ? "over time" : "an hour"}, up to {count(top)}
        </span>
        <Button small kind="quiet" on={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </Button>
      </figcaption>
      {asTable ? (
        <BarTable bars={bars} zone={zone} />
      ) : (
        <>
          <BarPlot {...p} top={top} zone={zone} />
          <div class="bars-axis num faint" aria-hidden="true">
            {[first.start, (first.start + last.end) / 2, last.end].map((ms) => (
              <span key={ms}>{axisWords(ms, first.start, last.end, zone)}</span>
            ))}
          </div>
        </>
      )}
    </figure>
  );
}

function BarPlot({ bars, releases, onZoom, top, zone }: { bars: readonly Bar[]; releases: readonly ReleaseCount[]; onZoom: (from: number, to: number) => void; top: number; zone: Zone }) {
  const [drag, setDrag] = useState<Marked | null>(null);
  const [key, setKey] = useState<Marked | null>(null);
  const [first, last] = [bars[0]!, bars.at(-1)!];
  const barAt = (e: PointerEvent) => {
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((e.clientX - box.left) / box.width) * bars.length)));
  };
  const zoom = (m: Marked | null) => {
    setDrag(null);
    setKey(null);
    if (m) onZoom(bars[Math.min(m.from, m.to)]!.start, bars[Math.max(m.from, m.to)]!.end);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const next = keyStep(key, e.key, e.shiftKey, bars.length);
    if (next) setKey(next);
    else if (e.key === "Enter" && key) zoom(key);
    else if (e.key === "Escape" && key) setKey(null);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const marks = releases
    .map((r) => ({ release: r.release, x: (Date.parse(r.first_seen) - first.start) / (last.end - first.start) }))
    .filter((m) => m.x >= 0 && m.x <= 1);
  const shown = drag ?? key;
  const bar = key ? bars[key.to]! : null;
  return (
    <div
      class="bars-plot"
      role="slider"
      tabIndex={0}
      aria-label={barWords(bars, zone)}
      aria-valuemin={0}
      aria-valuemax={bars.length - 1}
      aria-valuenow={key?.to ?? bars.length - 1}
      aria-valuetext={bar ? `${formatDateTime(bar.start, zone).slice(0, 16)}: ${plural(bar.value, "event")}` : "Arrow keys read the bars, Enter zooms"}
      onKeyDown={onKeyDown}
      onBlur={() => setKey(null)}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        setDrag({ from: barAt(e), to: barAt(e) });
      }}
      onPointerMove={(e) => drag && setDrag({ ...drag, to: barAt(e) })}
      onPointerUp={() => zoom(drag)}
      onPointerCancel={() => setDrag(null)}
    >
      {bars.map((b) => (
        <span key={b.start} class="bar" title={`${plural(b.value, "event")}, ${formatDateTime(b.start, zone).slice(0, 16)}. Drag to zoom.`}>
          <i style={{ height: b.value ? `max(2px, ${(b.value / top) * 100}%)` : "0" }} />
        </span>
      ))}
      {marks.map((m) => (
        <span key={m.release} class="bar-mark" style={{ left: `${m.x * 100}%` }}>
          <span class={m.x > 0.7 ? "bar-mark-name bar-mark-left clip" : "bar-mark-name clip"}>{m.release}</span>
        </span>
      ))}
      {shown && (
        <span
          class="bars-drag"
          style={{ left: `${(Math.min(shown.from, shown.to) / bars.length) * 100}%`, width: `${((Math.abs(shown.to - shown.from) + 1) / bars.length) * 100}%` }}
        />
      )}
    </div>
  );
}

/** The chart in a sentence. */
export function barWords(bars: readonly Bar[], zone: Zone): string {
  const sum = bars.reduce((total, b) => total + b.value, 0);
  const peak = bars.reduce((a, b) => (b.value > a.value ? b : a));
  const span = `between ${formatDateTime(bars[0]!.start, zone)} and ${formatDateTime(bars.at(-1)!.end, zone)}`;
  return sum === 0 ? `No events ${span}` : `${plural(sum, "event")} ${span}, most (${count(peak.value)}) from ${formatDateTime(peak.start, zone)}`;
}

function BarTable({ bars, zone }: { bars: readonly Bar[]; zone: Zone }) {
  return (
    <div class="bars-table" tabIndex={0} role="region" aria-label="Events over time">
      <table class="plain-table num">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="cell-end">
              Events
            </th>
          </tr>
        </thead>
        <tbody>
          {bars.map((b) => (
            <tr key={b.start}>
              <th scope="row">{formatDateTime(b.start, zone)}</th>
              <td class="cell-end">{b.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
