// Releases: how far each has spread in the last 24 hours, how many of its sessions ended without a crash, and which
// issues it brought.
import "./releases.css";
import { useState } from "preact/hooks";
import { navigate } from "../../lib/base";
import { Link } from "../../app/Link";
import { Ago, Badge, CodeBlock, type Column, EmptyState, Field, Loaded, Skeleton, Table } from "../../kit";
import { useListKeys } from "../../lib/cursor";
import { count, plural } from "../../lib/format";
import { crashFree, crashTone, type Release, releasePath, shareText, useReleases } from "../../lib/health";
import { pageLink } from "../../lib/url";

const SDK = `sentry_sdk.init(
    dsn="…",
    release="shop@2.1.0",
    environment="production",
)
`;

export default function Releases() {
  const [text, setText] = useState("");
  const releases = useReleases(text);
  return (
    <div class="page page-fill releases">
      <h1 class="hear-only">Releases</h1>
      <div class="row row-wrap releases-bar">
        <Field label="Version" value={text} placeholder="shop@2" onInput={(e) => setText(e.currentTarget.value)} />
        <span class="faint grow releases-note">Sessions and users are those of the last 24 hours.</span>
      </div>
      <Loaded result={releases} skeleton={<Skeleton lines={8} />}>
        {(answer) => (answer.releases.length > 0 ? <List releases={answer.releases} total={answer.total} /> : text ? <EmptyState icon="search" title="No release is named like this." /> : <NoRelease />)}
      </Loaded>
    </div>
  );
}

function NoRelease() {
  return (
    <EmptyState icon="flag" title="No release has been seen yet.">
      <div class="stack releases-how">
        <p>A release is made when an error, a trace or a session names one, or with the API by a build. Tell your SDK which it is:</p>
        <CodeBlock label="the release" text={SDK} />
      </div>
    </EmptyState>
  );
}

function List({ releases, total }: { releases: readonly Release[]; total: number }) {
  const open = (r: Release) => navigate(pageLink(releasePath(r.version), location.search));
  const key = (r: Release) => `${r.project} ${r.version}`;
  const { cursor } = useListKeys(releases, key, open);
  return (
    <>
      <Table<Release> fill label="Releases" rows={releases} columns={COLUMNS} rowKey={key} cursor={cursor} onOpen={open} rowHeight={44} />
      {total > releases.length && <p class="faint releases-more">The newest {releases.length} of {count(total)}. Look for others by their version.</p>}
    </>
  );
}

const none = <span class="faint">–</span>;
const COLUMNS: Column<Release>[] = [
  {
    key: "version",
    header: "Version",
    width: "minmax(140px, 1fr)",
    cell: (r) => (
      <span class="release-name">
        <Link class="strong row-link clip" to={releasePath(r.version)}>
          {r.version}
        </Link>
        <span class="faint clip release-when">
          {r.released ? "released" : "first seen"} <Ago time={r.released ?? r.first_seen ?? r.created} suffix />
        </span>
      </span>
    ),
  },
  { key: "adoption", header: "Adoption", width: "120px", wide: true, cell: (r) => (r.health.adoption === null ? none : <Share value={r.health.adoption} />) },
  { key: "sessions", header: "Sessions", width: "76px", align: "end", wide: true, cell: (r) => (r.health.sessions.started ? count(r.health.sessions.started) : none) },
  { key: "users", header: "Users", width: "64px", align: "end", wide: true, cell: (r) => (r.health.users ? count(r.health.users) : none) },
  { key: "free", header: "Crash-free", width: "92px", align: "end", cell: (r) => (r.health.crash_free_sessions === null ? none : <Badge tone={crashTone(r.health.crash_free_sessions)} title="Sessions without a crash">{crashFree(r.health.crash_free_sessions)}</Badge>) },
  { key: "freeUsers", header: "Of users", width: "84px", align: "end", wide: true, cell: (r) => (r.health.crash_free_users === null ? none : <span class="num" title="Users without a crash">{crashFree(r.health.crash_free_users)}</span>) },
  { key: "issues", header: "Issues", width: "84px", align: "end", cell: (r) => <Issues release={r} /> },
  { key: "last", header: "Last seen", width: "76px", align: "end", wide: true, cell: (r) => (r.last_seen ? <Ago time={r.last_seen} /> : none) },
];

function Issues({ release: r }: { release: Release }) {
  if (!r.new_issues && !r.regressed_issues) return none;
  return (
    <span class="num" title={`${plural(r.new_issues, "new issue")}, ${count(r.regressed_issues)} came back`}>
      {count(r.new_issues)}
      {r.regressed_issues > 0 && <span class="tone-bad"> +{count(r.regressed_issues)}</span>}
    </span>
  );
}

function Share({ value }: { value: number }) {
  return (
    <span class="release-share" title="Share of the project's sessions">
      <span class="release-track" aria-hidden="true">
        <i style={{ width: `${Math.max(value * 100, 2)}%` }} />
      </span>
      <span class="num">{shareText(value)}</span>
    </span>
  );
}
