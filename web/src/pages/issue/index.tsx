// One issue: what it is and what was decided, when it happened, and one of its events in full. The event shown is in
// the address; "latest" follows what comes in.
import "./issue.css";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy } from "preact/compat";
import { useEffect, useMemo } from "preact/hooks";
import { useParams as useRouteParams } from "wouter";
import { navigate } from "../../lib/base";
import { openAround } from "../../app/AroundDrawer";
import { Link } from "../../app/Link";
import { remember } from "../../app/palette-store";
import { useSession } from "../../app/session";
import { Badge, Button, IconButton, IssueBadge, Later, LevelMark, Loaded, Skeleton } from "../../kit";
import { eventsKey, issueEventAsk, issueEventsAsk } from "../../lib/asks";
import { readEvent } from "../../lib/event";
import { recommended } from "../../lib/event-choice";
import { shortId } from "../../lib/format";
import { assignToMe, changeIssues, markIssues, useIssue } from "../../lib/issues";
import { useKeys } from "../../lib/keys";
import { prefs } from "../../lib/prefs";
import { asQuery } from "../../lib/query";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import type { Issue, IssueArchive, Row } from "../../lib/types";
import { pageLink, setUrl, useParam } from "../../lib/url";
import { Activity } from "./Activity";
import { ArchiveMenu, archiveText, Priority, ResolveMenu } from "./Decide";
import { Breadcrumbs, Contexts, PairList, RequestPart } from "./EventParts";
import { Grouping } from "./Grouping";
import { Assignee, IssueFacts, IssueHistory, TagList } from "./IssueSide";
import { Parts } from "./Parts";
import { StackTrace } from "./StackTrace";

const IssueFeedback = lazy(() => import("./IssueFeedback"));
const Attachments = lazy(() => import("./Attachments"));
const Suspects = lazy(() => import("./Suspects"));
const SameRequest = lazy(() => import("./SameRequest"));
const RawEvent = lazy(() => import("./RawEvent"));
const Similar = lazy(() => import("./Similar"));

export default function IssuePage() {
  const id = useRouteParams<{ id: string }>().id ?? "";
  const issue = useIssue(id);
  useEffect(() => {
    if (issue.data) remember({ path: `/issues/${issue.data.id}`, title: issue.data.title, kind: issue.data.short_id });
  }, [issue.data?.id]);
  return (
    <div class="page issue">
      <Loaded result={issue} skeleton={<Skeleton lines={10} height={22} />}>
        {(data) => <IssueView key={data.id} issue={data} />}
      </Loaded>
    </div>
  );
}

function IssueView({ issue }: { issue: Issue }) {
  const back = () => navigate(pageLink("/issues", location.search));
  const set = (status: Issue["status"]) => void changeIssues([issue], { status });
  const archive = (to: IssueArchive) => void changeIssues([issue], { status: "ignored", archive: to });
  const bookmark = () => void markIssues([issue], { bookmarked: !issue.bookmarked });
  const me = useSession().data?.user?.email ?? "";
  // Looked at: also what happens to it while it is open.
  useEffect(() => {
    if (issue.seen === false) void markIssues([issue], { seen: true });
  }, [issue.id, issue.seen]);
  useKeys([
    { keys: "e", label: "Resolve", group: "Issue", run: () => set("resolved") },
    { keys: "m", label: "Archive until it escalates", group: "Issue", run: () => archive({ until: "escalating" }) },
    { keys: "a", label: "Assign to me, or to nobody", group: "Issue", run: () => assignToMe([issue], me) },
    { keys: "b", label: "Bookmark", group: "Issue", run: bookmark },
    { keys: "u", label: "Reopen", group: "Issue", run: () => set("unresolved") },
    { keys: "Backspace", label: "Back to the list", group: "Issue", run: back },
  ]);
  const title = issue.title.startsWith(`${issue.type}: `) ? issue.title.slice(issue.type.length + 2) : issue.title;
  return (
    <>
      <header class="issue-head">
        <nav class="row faint" aria-label="Where this is">
          <Link to="/issues">Issues</Link>
          <span aria-hidden="true">/</span>
          <span class="num">{issue.short_id}</span>
        </nav>
        <div class="row row-wrap issue-top">
          <div class="grow">
            <h1 class="breakable">
              {issue.type && title !== issue.title ? issue.type : issue.title}
            </h1>
            <p class="breakable issue-value">
              {title !== issue.title && title}
            </p>
          </div>
          <div class="row issue-actions">
            {issue.status === "unresolved" ? (
              <>
                <Button kind="primary" icon="check" onClick={() => set("resolved")}>
                  Resolve
                </Button>
                <ResolveMenu issue={issue} />
                <ArchiveMenu onArchive={archive} />
              </>
            ) : (
              <Button icon="refresh" onClick={() => set("unresolved")}>
                Reopen
              </Button>
            )}
            <Assignee issue={issue} />
            <Priority issue={issue} />
            {issue.bookmarked !== undefined && (
              <IconButton icon="star" kind="plain" label={issue.bookmarked ? "Remove the bookmark" : "Bookmark"} on={issue.bookmarked} class="bookmark" onClick={bookmark} />
            )}
          </div>
        </div>
        <div class="row row-wrap issue-marks">
          <LevelMark level={issue.level} />
          <IssueBadge status={issue.status} substatus={issue.substatus} />
          {issue.status === "resolved" && issue.resolved_in_next && <Badge>in the next release{issue.resolved_in && ` after ${issue.resolved_in}`}</Badge>}
          {issue.status === "resolved" && !issue.resolved_in_next && issue.resolved_in && <Badge>in {issue.resolved_in}</Badge>}
          {issue.awaits_commit && issue.status !== "resolved" && <Badge title={issue.awaits_commit}>resolved with commit {issue.awaits_commit.slice(0, 7)}</Badge>}
          {issue.status === "ignored" && <span class="muted">{archiveText(issue.archive)}</span>}
          <span class="faint mono breakable">{issue.culprit}</span>
        </div>
      </header>
      <IssueFacts issue={issue} />
      <IssueHistory issue={issue} />
      <Suspense fallback={null}>
        <IssueFeedback issue={issue.id} />
      </Suspense>
      <div class="issue-columns">
        <Event issue={issue} />
        <div class="stack issue-aside">
          <Activity issue={issue} />
          <TagList issue={issue} />
        </div>
      </div>
    </>
  );
}

const idOf = (row: Row | undefined) => String(row?.attributes["event_id"] ?? "");

/** The event of the address, else the one that tells most of those listed: the newest. */
function Event({ issue }: { issue: Issue }) {
  const wanted = useParam("event");
  const list = useQuery(asQuery(issueEventsAsk(String(issue.id), eventsKey(issue))));
  const rows = list.data?.rows;
  const best = useMemo(() => recommended(rows ?? []), [rows]);
  const isListed = !wanted || !rows || rows.some((r) => idOf(r) === wanted);
  const older = useQuery({ ...asQuery(issueEventAsk(String(issue.id), wanted)), enabled: !isListed });
  return (
    <div class="stack issue-main">
      <Loaded result={isListed ? list : older} skeleton={<Skeleton lines={12} />}>
        {(shown) => {
          const at = isListed ? (wanted ? shown.rows.findIndex((r) => idOf(r) === wanted) : best) : -1;
          const row = isListed ? shown.rows[at] : shown.rows[0];
          const show = (i: number) => setUrl({ event: idOf(rows?.[i]) || null });
          if (!row)
            return (
              <p class="muted">
                {isListed ? "The events of this issue are older than what is kept." : "This event is not kept any more."}{" "}
                {!isListed && <Link to={`/issues/${issue.id}`}>Show another one</Link>}
              </p>
            );
          return <EventView issue={issue} row={row} at={at} best={best} of={rows?.length ?? 0} onShow={show} />;
        }}
      </Loaded>
    </div>
  );
}

/** `at`: its place among the newest; -1: it is older than those. `best`: which of them tells most. */
function EventView({ issue, row, at, best, of, onShow }: { issue: Issue; row: Row; at: number; best: number; of: number; onShow: (i: number) => void }) {
  const { zone } = useStore(prefs);
  const event = readEvent(row.payload);
  useKeys([
    { keys: "j", label: "Older event", group: "Issue", run: () => at >= 0 && at < of - 1 && onShow(at + 1) },
    { keys: "k", label: "Newer event", group: "Issue", run: () => at > 0 && onShow(at - 1) },
  ]);
  const ids = (["environment", "release", "service", "host", "transaction", "request_id", "user_id"] as const)
    .map((name): [string, string] => [name, String(row[name] ?? "")])
    .filter(([, value]) => value !== "");
  return (
    <>
      <div class="event-bar">
        <IconButton small icon="left" label="Newer event" disabled={at <= 0} onClick={() => onShow(at - 1)} />
        <span class="num">
          {at === 0 ? "Latest event" : at < 0 ? "An older event" : `Event ${at + 1}`} <span class="faint">of {issue.event_count}</span>
        </span>
        <IconButton small icon="right" label="Older event" disabled={at < 0 || at >= of - 1} onClick={() => onShow(at + 1)} />
        {at === best ? (
          <Badge title="Of the newest events the one that tells most: stack, variables, request, trace">Recommended</Badge>
        ) : (
          <Button small kind="quiet" onClick={() => onShow(best)}>
            Recommended
          </Button>
        )}
        {at !== 0 && (
          <Button small kind="quiet" onClick={() => onShow(0)}>
            Latest
          </Button>
        )}
        <span class="muted num clip grow">{formatDateTime(Date.parse(row.time), zone)}</span>
        <Button small kind="quiet" icon="around" onClick={() => openAround(row.time, row.service)}>
          What else happened here
        </Button>
        {row.trace_id && (
          <Link class="btn btn-small btn-plain" to={`/traces/${row.trace_id}${row.span_id ? `?span=${row.span_id}` : ""}`} title={row.trace_id}>
            Trace <span class="mono faint">{shortId(row.trace_id, 6)}</span>
          </Link>
        )}
      </div>
      {row.attributes["body_left_out"] === true && (
        <p class="body-left-out" role="note">
          This event was counted, but its body was not kept: too many came at once. <Link to="/settings/intake">Bodies of errors</Link>
        </p>
      )}
      <PairList pairs={[...ids, ...event.tags.filter(([k]) => !ids.some(([name]) => name === k))]} />
      <StackTrace thrown={event.thrown} />
      <Suspense fallback={null}>
        <Suspects issue={issue.id} eventId={String(row.attributes["event_id"] ?? "")} />
      </Suspense>
      <Later>
        {() => (
          <>
            <Suspense fallback={null}>
              <SameRequest row={row} />
            </Suspense>
            <Breadcrumbs crumbs={event.crumbs} />
            <RequestPart event={event} />
            <Suspense fallback={null}>
              <Attachments project={issue.project} eventId={String(row.attributes["event_id"] ?? "")} />
            </Suspense>
            <Contexts event={event} />
            <Grouping issue={issue} eventId={String(row.attributes["event_id"] ?? "")} />
            <Parts issue={issue} />
            <Suspense fallback={null}>
              <Similar issue={issue} />
              <RawEvent row={row} />
            </Suspense>
          </>
        )}
      </Later>
    </>
  );
}
