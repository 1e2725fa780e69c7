// How sessions ended, a bar a step: from below those that ended well, with errors, and with a crash (or without an end).
import { count, group } from "../../lib/format";
import type { SessionSummary } from "../../lib/health";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDate, formatDateTime, formatTime } from "../../lib/time";

export type HealthPoint = SessionSummary & { time: string };

const HEIGHT = 112;

export function SessionBars({ points, hours }: { points: readonly HealthPoint[]; hours: number }) {
  const { zone } = useStore(prefs);
  const top = Math.max(...points.map((p) => p.sessions.started), 1);
  const all = points.reduce((sum, p) => sum + p.sessions.started, 0);
  const bad = points.reduce((sum, p) => sum + p.sessions.crashed + p.sessions.abnormal, 0);
  const px = (n: number) => `${(n / top) * HEIGHT}px`;
  const ends = [points[0], points.at(-1)].map((p) => (p ? (hours >= 6 ? formatDate(Date.parse(p.time), zone) : formatTime(Date.parse(p.time), zone).slice(0, 5)) : ""));
  return (
    <figure class="session-bars">
      <div class="session-plot" role="img" aria-label={`${count(all)} sessions, ${count(bad)} of them crashed or ended abnormally; at most ${count(top)} a bar`} style={{ height: `${HEIGHT}px` }}>
        {points.map((p) => {
          const s = p.sessions;
          const crashed = s.crashed + s.abnormal;
          const well = Math.max(s.started - s.errored - crashed, 0);
          const title = `${formatDateTime(Date.parse(p.time), zone)}\n${group(s.started)} sessions, ${group(s.errored)} with errors, ${group(crashed)} crashed\n${group(p.users)} users`;
          return (
            <div key={p.time} class="session-bar" title={title}>
              <i class="session-crashed" style={{ height: px(crashed), ...(crashed ? { minHeight: "2px" } : {}) }} />
              <i class="session-errored" style={{ height: px(s.errored), ...(s.errored ? { minHeight: "2px" } : {}) }} />
              <i class="session-well" style={{ height: px(well) }} />
            </div>
          );
        })}
      </div>
      <figcaption class="row row-wrap faint">
        <span class="num">{ends[0]}</span>
        <span class="grow session-key">
          <i class="session-well" /> well <i class="session-errored" /> with errors <i class="session-crashed" /> crashed
        </span>
        <span class="num">{ends[1]}</span>
      </figcaption>
    </figure>
  );
}
