import { Link } from "../../app/Link";
import { prefetch } from "../../app/routes";
import { Badge, LevelMark, levelClass, ShareBar, Sparkline } from "../../kit";
import { count, duration, percent, plural, rate } from "../../lib/format";
import type { Point, ServiceOverview } from "../../lib/types";

/** Above this share of failed requests, or with new trouble, a service stands out and stands first. */
const MANY_ERRORS = 0.01;
const LEVELS = ["fatal", "error", "warning", "info", "debug", "trace", "unknown"];

export const needsCare = (s: ServiceOverview) => s.error_rate >= MANY_ERRORS || s.new_issues + s.regressed_issues > 0;

/** Those that need care first, then by traffic, then by name. */
export function byNeed(a: ServiceOverview, b: ServiceOverview): number {
  return Number(needsCare(b)) - Number(needsCare(a)) || b.error_rate - a.error_rate || b.requests - a.requests || a.service.localeCompare(b.service);
}

const values = (points: readonly (readonly [unknown, unknown])[]) => (points as readonly Point[]).map((p) => p[1]);
const where = (...filters: string[]) => filters.map((f) => `where=${encodeURIComponent(f)}`).join("&");

export function ServiceRow({ service: s }: { service: ServiceOverview }) {
  const is = `service=${s.service}`;
  const bad = s.error_rate >= MANY_ERRORS;
  const logs = LEVELS.map((level) => ({ level, n: s.logs[level] ?? 0 })).filter((l) => l.n > 0);
  const loud = logs.filter((l) => l.level === "fatal" || l.level === "error" || l.level === "warning");
  return (
    <li class={needsCare(s) ? "service service-care" : "service"}>
      <div class="service-name">
        <span class="strong clip">
          <Link to={`/logs?${where(is)}`} class="service-link">
            {s.service || "(no name)"}
          </Link>
        </span>
        <span class="row service-notes">
          {s.new_issues > 0 && (
            <Link to="/issues?sort=first_seen">
              <Badge tone="accent">{plural(s.new_issues, "new issue")}</Badge>
            </Link>
          )}
          {s.regressed_issues > 0 && (
            <Link to={`/issues?${where("substatus=regressed")}`}>
              <Badge tone="bad">{count(s.regressed_issues)} regressed</Badge>
            </Link>
          )}
          {s.releases.length > 0 && (
            <span class="faint clip" title={s.releases.map((r) => r.release).join("\n")}>
              {s.releases.at(-1)!.release}
            </span>
          )}
        </span>
      </div>
      <Cell to={`/traces?${where(is)}`} name="Requests" value={rate(s.request_rate)} note={`${count(s.requests)} in all`}>
        <Sparkline values={values(s.series.requests)} label={`Requests of ${s.service}`} format={count} />
      </Cell>
      <Cell to={`/traces?${where(is)}&errors_only=true`} name="Errors" value={percent(s.error_rate)} bad={bad} note={`${count(s.errors)} failed`}>
        <Sparkline values={values(s.series.errors)} label={`Failed requests of ${s.service}`} tone={bad ? "bad" : "muted"} format={count} />
      </Cell>
      <Cell
        to={`/traces?${where(is)}${s.p95_ms ? `&min_duration_ms=${Math.floor(s.p95_ms)}` : ""}`}
        name="Latency, p95"
        value={duration(s.p95_ms)}
        note={s.p50_ms === null ? "" : `p99 ${duration(s.p99_ms)}`}
      >
        <Sparkline values={values(s.series.p95_ms)} label={`p95 latency of ${s.service}`} format={duration} />
      </Cell>
      <div class="service-logs">
        <span class="phone-only faint">Logs by level</span>
        <ShareBar
          label={`Logs of ${s.service}`}
          parts={logs.map((l) => ({ name: l.level, value: l.n, className: `fill-${levelClass(l.level)}` }))}
        />
        <span class="row service-levels">
          {[...loud, ...logs.filter((l) => !loud.includes(l)).slice(0, 1)].map((l) => (
            <Link key={l.level} to={`/logs?${where(is, `level=${l.level}`)}`} class="service-level" title={`${l.n} ${l.level}`}>
              <LevelMark level={l.level} dot />
              <span class="num">{count(l.n)}</span>
            </Link>
          ))}
          {logs.length === 0 && <span class="faint">none</span>}
        </span>
      </div>
    </li>
  );
}

function Cell(p: { to: string; name: string; value: string; note: string; bad?: boolean; children: preact.ComponentChildren }) {
  return (
    <Link to={p.to} class="service-cell" onPointerEnter={() => prefetch("/traces")}>
      <span class="service-figure">
        <span class="phone-only faint">{p.name}</span>
        <span class="hear-only">{p.name}: </span>
        <span class={p.bad ? "num strong tone-bad" : "num strong"}>{p.value}</span>
        <span class="faint num service-note clip">{p.note}</span>
      </span>
      <span class="service-spark">{p.children}</span>
    </Link>
  );
}
