// One release: how its sessions ended over time, beside the release before it, what it brought, and what a build said of
// it.
import "./release.css";
import { useQuery } from "@tanstack/react-query";
import { useParams as useRouteParams } from "wouter";
import { Link } from "../../app/Link";
import { Ago, Badge, EmptyState, Icon, Loaded, Segmented, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import { count, plural, safeLink, shortId } from "../../lib/format";
import { type Commit, crashFree, crashTone, type ReleaseDetail, releasePath, shareText } from "../../lib/health";
import { useNow } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";
import { type HealthPoint, SessionBars } from "./SessionBars";

const WINDOWS = [["1", "24 hours"], ["7", "7 days"], ["30", "30 days"]] as const;
const HOUR_MS = 3600e3;

export default function ReleasePage() {
  const version = decodeURIComponent(useRouteParams<{ version: string }>().version ?? "");
  const project = useParam("project");
  const now = useNow();
  const path = `releases/${encodeURIComponent(version)}`;
  const release = useQuery({ queryKey: ["release", version, project, now], queryFn: async ({ signal }) => (await get<{ release: ReleaseDetail }>(path, { project }, signal)).release });
  return (
    <div class="page release">
      <Loaded result={release} skeleton={<Skeleton lines={8} height={22} />}>
        {(r) => <View release={r} path={path} />}
      </Loaded>
    </div>
  );
}

function View({ release: r, path }: { release: ReleaseDetail; path: string }) {
  const link = safeLink(r.url);
  return (
    <>
      <header class="stack-tight">
        <nav class="row faint" aria-label="Where this is">
          <Link to="/releases">Releases</Link>
          <span aria-hidden="true">/</span>
        </nav>
        <div class="row row-wrap">
          <h1 class="breakable">{r.version}</h1>
          {r.health.crash_free_sessions !== null && <Badge tone={crashTone(r.health.crash_free_sessions)}>{crashFree(r.health.crash_free_sessions)} crash-free</Badge>}
          {r.ref && <span class="mono faint breakable">{r.ref}</span>}
          {link && (
            <a href={link} target="_blank" rel="noreferrer noopener" class="row">
              <Icon name="external" size={14} /> Build
            </a>
          )}
        </div>
      </header>
      <dl class="facts">
        <Fact name="Adoption">{shareText(r.health.adoption)}</Fact>
        <Fact name="Sessions">{count(r.health.sessions.started)}</Fact>
        <Fact name="Users">{count(r.health.users)}</Fact>
        <Fact name="Users without a crash">{crashFree(r.health.crash_free_users)}</Fact>
        <Fact name={r.released ? "Released" : "Made"}>
          <Ago time={r.released ?? r.created} suffix />
        </Fact>
        <Fact name="Last seen">{r.last_seen ? <Ago time={r.last_seen} suffix /> : "–"}</Fact>
      </dl>
      <Sessions path={path} />
      <div class="release-columns">
        <IssuesOf release={r} />
        {r.previous && <Beside release={r} path={path} />}
        <Deploys release={r} />
      </div>
      {r.commit_count > 0 && <Commits path={path} version={r.version} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="clip num">{children}</dd>
    </div>
  );
}

function Sessions({ path }: { path: string }) {
  const days = useParam("days") || "1";
  const environment = useParam("environment");
  const project = useParam("project");
  const now = useNow();
  const span = (Number(days) || 1) * 24 * HOUR_MS;
  const step = days === "30" ? 24 : days === "7" ? 6 : 1;
  const query = { project, environment, start: new Date(now - span).toISOString(), end: new Date(now).toISOString(), step: step * 3600 };
  const health = useQuery({
    queryKey: ["release-health", path, query],
    queryFn: ({ signal }) => get<{ points: HealthPoint[]; environments: string[] }>(`${path}/health`, query, signal),
  });
  const names = health.data?.environments.filter((e) => e !== "") ?? [];
  return (
    <section class="stack" aria-label="Sessions over time">
      <div class="row row-wrap">
        <h2 class="grow">Sessions</h2>
        {(names.length > 1 || environment) && <Segmented label="Environment" value={environment} options={[["", "All"], ...[...new Set([...names, ...(environment ? [environment] : [])])].slice(0, 5).map((n) => [n, n] as const)]} onChange={(v) => setUrl({ environment: v || null })} />}
        <Segmented label="Time" value={days} options={WINDOWS} onChange={(v) => setUrl({ days: v === "1" ? null : v })} />
      </div>
      <Loaded result={health} skeleton={<Skeleton height={120} />}>
        {(h) =>
          h.points.some((p) => p.sessions.started > 0) ? <SessionBars points={h.points} hours={step} /> : <EmptyState title="No session in this time.">SDKs send sessions by themselves when they know their release.</EmptyState>
        }
      </Loaded>
    </section>
  );
}

function IssuesOf({ release: r }: { release: ReleaseDetail }) {
  const among = (own: string) => `/issues?status=all&range=90d&where=${encodeURIComponent(`release=${r.version}`)}&where=${encodeURIComponent(own)}`;
  return (
    <section class="card release-card">
      <h2>Issues</h2>
      <ul class="plain-list">
        <li class="row">
          <Link class="grow" to={among(`first_release=${r.version}`)} keep={["project"]}>
            New in this release
          </Link>
          <span class="num strong">{count(r.new_issues)}</span>
        </li>
        <li class="row">
          <Link class="grow" to={among("substatus=regressed")} keep={["project"]}>
            Came back in this release
          </Link>
          <span class={r.regressed_issues ? "num strong tone-bad" : "num strong"}>{count(r.regressed_issues)}</span>
        </li>
      </ul>
    </section>
  );
}

interface Compared {
  with: { release: ReleaseDetail };
}
function Beside({ release: r, path }: { release: ReleaseDetail; path: string }) {
  const project = useParam("project");
  const other = useQuery({
    queryKey: ["release-comparison", path, r.previous, project],
    queryFn: async ({ signal }) => (await get<Compared>(`${path}/comparison`, { project, with: r.previous }, signal)).with.release,
  });
  return (
    <section class="card release-card">
      <h2>
        Beside <Link to={releasePath(r.previous)}>{r.previous}</Link>
      </h2>
      <Loaded result={other} skeleton={<Skeleton lines={4} />}>
        {(o) => (
          <table class="release-beside">
            <thead>
              <tr>
                <th scope="col">
                  <span class="hear-only">What</span>
                </th>
                <th scope="col">This</th>
                <th scope="col">Before</th>
              </tr>
            </thead>
            <tbody>
              <Line name="Adoption" a={shareText(r.health.adoption)} b={shareText(o.health.adoption)} />
              <Line name="Crash-free sessions" a={crashFree(r.health.crash_free_sessions)} b={crashFree(o.health.crash_free_sessions)} />
              <Line name="Crash-free users" a={crashFree(r.health.crash_free_users)} b={crashFree(o.health.crash_free_users)} />
              <Line name="New issues" a={count(r.new_issues)} b={count(o.new_issues)} />
              <Line name="Came back" a={count(r.regressed_issues)} b={count(o.regressed_issues)} />
            </tbody>
          </table>
        )}
      </Loaded>
    </section>
  );
}
function Line({ name, a, b }: { name: string; a: string; b: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="num">{a}</td>
      <td class="num muted">{b}</td>
    </tr>
  );
}

function Deploys({ release: r }: { release: ReleaseDetail }) {
  return (
    <section class="card release-card">
      <h2>Deploys</h2>
      {r.deploys.length === 0 ? (
        <p class="muted">None is known. A build can tell of one with POST {"…/releases/{version}/deploys"}.</p>
      ) : (
        <ul class="plain-list">
          {r.deploys.slice(0, 20).map((d) => (
            <li key={d.id} class="row">
              <span class="grow clip">
                {d.environment} {d.name && <span class="faint">{d.name}</span>}
              </span>
              <Ago time={d.finished} suffix />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Commits({ path, version }: { path: string; version: string }) {
  const project = useParam("project");
  const commits = useQuery({
    queryKey: ["release-commits", version, project],
    queryFn: async ({ signal }) => (await get<{ commits: Commit[] }>(`${path}/commits`, { project }, signal)).commits,
  });
  return (
    <section class="stack" aria-label="Commits">
      <h2>Commits</h2>
      <Loaded result={commits}>
        {(list) => (
          <ul class="plain-list release-commits">
            {list.map((c) => (
              <li key={c.id} class="row row-wrap">
                <code title={c.id}>{shortId(c.id)}</code>
                <span class="grow clip" title={c.message}>
                  {c.message.split("\n", 1)[0]}
                </span>
                <span class="faint">
                  {c.author_name || c.author_email}
                  {c.files.length > 0 && `, ${plural(c.files.length, "file")}`}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}
