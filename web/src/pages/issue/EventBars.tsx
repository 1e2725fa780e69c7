// Events an hour (or a day) as bars, with a mark where a release was first seen. A click on a bar narrows the time range.
import { count, plural } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDate, formatDateTime, formatTime } from "../../lib/time";
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

export function EventBars(p: { bars: readonly Bar[]; releases: readonly ReleaseCount[]; onZoom: (from: number, to: number) => void }) {
  const { zone } = useStore(prefs);
  const { bars } = p;
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  const top = Math.max(...bars.map((b) => b.value), 1);
  const sum = bars.reduce((total, b) => total + b.value, 0);
  const peak = bars.reduce((a, b) => (b.value > a.value ? b : a));
  const long = last.end - first.start > 2 * 86400e3;
  const at = (ms: number) => (long ? formatDate(ms, zone).slice(5) : formatTime(ms, zone).slice(0, 5));
  const marks = p.releases
    .map((r) => ({ release: r.release, x: (Date.parse(r.first_seen) - first.start) / (last.end - first.start) }))
    .filter((m) => m.x >= 0 && m.x <= 1);
  const words = `${plural(sum, "event")} between ${formatDateTime(first.start, zone)} and ${formatDateTime(last.end, zone)}, most (${count(peak.value)}) from ${formatDateTime(peak.start, zone)}`;
  return (
    <figure class="bars">
      <figcaption class="hear-only">{words}</figcaption>
      <div class="bars-plot">
        {bars.map((b) => (
          <button
            key={b.start}
            type="button"
            class="bar"
            tabIndex={b.value ? 0 : -1}
            title={`${plural(b.value, "event")}, ${formatDateTime(b.start, zone).slice(0, 16)}`}
            aria-label={`${plural(b.value, "event")}, ${formatDateTime(b.start, zone)}: narrow the range to it`}
            onClick={() => p.onZoom(b.start, b.end)}
          >
            <i style={{ height: b.value ? `max(2px, ${(b.value / top) * 100}%)` : "0" }} />
          </button>
        ))}
        {marks.map((m) => (
          <span key={m.release} class="bar-mark" style={{ left: `${m.x * 100}%` }} title={`First seen: ${m.release}`}>
            <span class="bar-mark-name clip">{m.release}</span>
          </span>
        ))}
        <span class="bars-top num faint">{count(top)}</span>
      </div>
      <div class="bars-axis num faint">
        <span>{at(first.start)}</span>
        <span>{at((first.start + last.end) / 2)}</span>
        <span>{at(last.end)}</span>
      </div>
    </figure>
  );
}
