// Issues: triage by mouse or by keys. One row says what it is, whether it grows, whom it hits and since when.
import "./issues.css";
import { useEffect, useState } from "preact/hooks";
import { navigate } from "../../lib/base";
import { Link } from "../../app/Link";
import { prefetch } from "../../app/routes";
import { useSession } from "../../app/session";
import { Ago, Button, type Column, EmptyState, Icon, IssueBadge, LevelMark, Loaded, Menu, Skeleton, Table, Tabs } from "../../kit";
import { useListKeys } from "../../lib/cursor";
import { filterText } from "../../lib/filters";
import { count, plural } from "../../lib/format";
import { issueList, issuesReached, issuesTotal } from "../../lib/asks";
import { assignToMe, changeIssues, changeMatching, type IssueChange, ISSUE_LIMIT, markIssues, MATCHING_LIMIT, mergeIssues, useIssues } from "../../lib/issues";
import { useKeys } from "../../lib/keys";
import { prefs } from "../../lib/prefs";
import { useRange } from "../../lib/query";
import { useSearchProblem } from "../../lib/search";
import { Searched } from "../../kit/Searched";
import { filterTerms, withTerms } from "../../lib/search-terms";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import type { Issue, IssueArchive } from "../../lib/types";
import { pageLink, setUrl, useFilters, useParam, useParams } from "../../lib/url";
import { FirstData } from "../../app/FirstData";
import { ArchiveMenu, PRIORITIES } from "../issue/Decide";
import { EnvironmentMenu } from "./EnvironmentMenu";
import { TrendBars, trendOf } from "./TrendBars";

const STATUSES = [
  { id: "unresolved", label: "Unresolved" },
  { id: "resolved", label: "Resolved" },
  { id: "ignored", label: "Archived" },
  { id: "all", label: "All" },
  { id: "bookmarked", label: "Bookmarked" },
];
const SORTS: [string, string][] = [
  ["last_seen", "Last seen"],
  ["first_seen", "Newest"],
  ["events", "Events"],
  ["users", "Users"],
  ["trend", "Rising"],
];

/** What was just resolved leaves the list of the unresolved at once. */
const shownUnder = (status: string, i: Issue) => status === "all" || (status === "bookmarked" ? i.bookmarked !== false : i.status === status);

export default function Issues() {
  const status = useParam("status") || "unresolved";
  const sort = useParam("sort") || "last_seen";
  const query = useParam("q");
  const me = useSession().data?.user?.email;
  const { params, start, end } = useRange();
  const trend = trendOf(end - start);
  const { filters } = useFilters();
  const foreign = filterTerms(filters).foreign;
  const list = issueList(useParams(), params);
  const result = useIssues(list);
  useSearchProblem(result.error, withTerms(query, filters).shift);
  const reached = issuesReached.get(JSON.stringify(list));
  const { zone } = useStore(prefs);
  // What was just resolved leaves the list of the unresolved at once.
  const rows = (result.data ?? []).filter((i) => shownUnder(status, i));

  const open = (i: Issue) => navigate(pageLink(`/issues/${i.id}`, location.search));
  const keys = useListKeys(rows, (i) => i.id, open, true);
  const chosen = rows.filter((i) => keys.selected.has(i.id));
  const target = chosen.length > 0 ? chosen : rows[keys.cursor] ? [rows[keys.cursor]!] : [];
  // Everything that matches, also what the list has no room for: offered once all of the list is selected.
  const [matching, setMatching] = useState(false);
  const allOn = rows.length > 0 && rows.every((i) => keys.selected.has(i.id));
  const total = issuesTotal.get(JSON.stringify(list)) ?? 0;
  const more = allOn && total > (result.data?.length ?? 0);
  const everything = more && matching;
  useEffect(() => {
    if (!more) setMatching(false);
  }, [more]);
  const selectNone = () => {
    setMatching(false);
    keys.setSelected(new Set());
  };
  const decide = (to: IssueChange) => {
    if (everything) {
      void changeMatching(list, total, to).then((done) => done && selectNone());
      return;
    }
    void changeIssues(target, to);
    selectNone();
  };
  const change = (to: Issue["status"]) => decide({ status: to });
  const archive = (to: IssueArchive) => decide({ status: "ignored", archive: to });
  const merge = () => {
    if (chosen.length < 2 || everything) return;
    void mergeIssues(chosen);
    selectNone();
  };
  const mark = () => {
    if (everything) return;
    void markIssues(target, { bookmarked: !target.every((i) => i.bookmarked) });
    selectNone();
  };
  const assign = () => {
    if (everything) return;
    assignToMe(target, me ?? "");
    selectNone();
  };
  useKeys([
    { keys: "e", label: "Resolve", group: "Issues", run: () => change("resolved") },
    { keys: "m", label: "Archive until it escalates", group: "Issues", run: () => archive({ until: "escalating" }) },
    { keys: "u", label: "Reopen", group: "Issues", run: () => change("unresolved") },
    { keys: "a", label: "Assign to me, or to nobody", group: "Issues", run: assign },
    { keys: "b", label: "Bookmark", group: "Issues", run: mark },
    { keys: "Shift+M", label: "Merge the selected", group: "Issues", run: merge },
    { keys: "Mod+a", label: "Select all", group: "Issues", run: () => keys.setSelected(new Set(rows.map((i) => i.id))) },
  ]);
  const columns: Column<Issue>[] = [
    {
      key: "select",
      header: (
        <input
          type="checkbox"
          aria-label="Select all issues"
          checked={allOn}
          onChange={() => (allOn ? selectNone() : keys.setSelected(new Set(rows.map((i) => i.id))))}
        />
      ),
      width: "18px",
      wide: true,
      cell: (i) => <input type="checkbox" aria-label={`Select ${i.short_id}`} checked={keys.selected.has(i.id)} onChange={() => keys.toggle(i.id)} />,
    },
    { key: "title", header: "Issue", width: "minmax(0, 1fr)", cell: (i) => <IssueTitle issue={i} /> },
    { key: "trend", header: trend.header, width: "124px", wide: true, cell: (i) => <TrendBars issue={i} trend={trend} /> },
    { key: "events", header: "Events", width: "62px", align: "end", sortable: true, cell: (i) => <span title={String(i.event_count)}>{count(i.event_count)}</span> },
    { key: "users", header: "Users", width: "56px", align: "end", wide: true, sortable: true, cell: (i) => count(i.user_count) },
    { key: "first_seen", header: "Age", width: "46px", align: "end", wide: true, sortable: true, cell: (i) => <Ago time={i.first_seen} /> },
    { key: "last_seen", header: "Seen", width: "46px", align: "end", sortable: true, cell: (i) => <Ago time={i.last_seen} /> },
  ];
  return (
    <div class="page page-fill issues">
      <div class="page-head">
        <h1>Issues</h1>
        <div class="grow" />
        <div class="row">
          <EnvironmentMenu />
          <Menu
            label="Order"
            kind="quiet"
            button={`Order: ${SORTS.find(([id]) => id === sort)?.[1] ?? sort}`}
            items={SORTS.map(([id, label]) => ({ label, checked: id === sort, run: () => setUrl({ sort: id === "last_seen" ? null : id }) }))}
          />
        </div>
      </div>
      <div class="issues-bar">
        <Tabs label="Status" tabs={STATUSES} current={status} onChange={(id) => setUrl({ status: id === "unresolved" ? null : id })} />
        {chosen.length > 0 && (
          <div class="bulk" role="toolbar" aria-label="Change the selected issues">
            <span class="num muted">{plural(everything ? total : chosen.length, "issue")}</span>
            <Button small icon="check" onClick={() => change("resolved")}>Resolve</Button>
            <ArchiveMenu small onArchive={archive} />
            <Button small icon="refresh" onClick={() => change("unresolved")}>Reopen</Button>
            {chosen.length > 1 && !everything && <Button small icon="group" onClick={merge}>Merge</Button>}
            <Menu
              small
              kind="plain"
              label="More for the selected issues"
              icon="more"
              items={[
                ...(everything ? [] : [{ label: chosen.every((i) => i.bookmarked) ? "Remove bookmarks" : "Bookmark", icon: "star" as const, run: mark }]),
                ...(me ? [{ label: "Assign to me", icon: "user" as const, run: () => decide({ assignee: me }) }] : []),
                ...PRIORITIES.map((p) => ({ label: `Priority ${p}`, run: () => decide({ priority: p }) })),
              ]}
            />
          </div>
        )}
      </div>
      {more && (
        <p class="issues-more" role="status">
          {everything ? `All ${total.toLocaleString("en")} issues that match are selected.` : `${rows.length} of ${total.toLocaleString("en")} issues that match are selected.`}
          {everything && <Button small onClick={() => setMatching(false)}>Only the list</Button>}
          {!everything && total <= MATCHING_LIMIT && <Button small onClick={() => setMatching(true)}>Select all {total.toLocaleString("en")}</Button>}
          {!everything && total > MATCHING_LIMIT && <span class="muted">At most {MATCHING_LIMIT.toLocaleString("en")} are changed together: narrow the list to select all.</span>}
        </p>
      )}
      {foreign.length > 0 && (
        <p class="muted" role="note">
          {foreign.map(filterText).join(", ")}: a regular expression, which does not narrow this list. Stars do: {foreign[0]!.field}:pay*
        </p>
      )}
      {reached && (
        <p class="muted" role="note">
          Events before {formatDateTime(Date.parse(reached), zone)} were not looked at, because reading them took too long. A shorter time range looks at all of its events.
        </p>
      )}
      <Searched error={result.error}>
      <Loaded result={result} skeleton={<Skeleton lines={8} height={38} />}>
        {() =>
          rows.length === 0 ? (
            <NoIssues narrowed={filters.length > 0 || query !== "" || status !== "unresolved"} status={status} />
          ) : (
            <Table
              fill
              label="Issues"
              rows={rows}
              rowKey={(i) => i.id}
              rowHeight={52}
              columns={columns}
              cursor={keys.cursor}
              selected={(i) => keys.selected.has(i.id)}
              onOpen={open}
              onIntent={() => prefetch("/issues/1")}
              rowClass={(i) => (i.status === "unresolved" ? "" : "is-quiet")}
              sort={sort}
              onSort={(key) => setUrl({ sort: key === "last_seen" ? null : key })}
            />
          )
        }
      </Loaded>
      </Searched>
      {(result.data?.length ?? 0) >= ISSUE_LIMIT && <p class="faint">The first {ISSUE_LIMIT} are shown. Search or filter to narrow the list.</p>}
    </div>
  );
}

function IssueTitle({ issue: i }: { issue: Issue }) {
  return (
    <div class={i.seen === false ? "issue-title is-unseen" : "issue-title"}>
      <LevelMark level={i.level} dot />
      <div class="grow">
        <Link to={`/issues/${i.id}`} class="clip issue-name">
          {i.bookmarked && (
            <span class="issue-star" title="Bookmarked">
              <Icon name="star" size={13} />
              <span class="hear-only">Bookmarked: </span>
            </span>
          )}
          {i.title || i.type || i.short_id}
        </Link>
        <div class="clip faint issue-where">
          {(i.status !== "unresolved" || (i.substatus && i.substatus !== "ongoing")) && (
            <>
              <IssueBadge status={i.status} substatus={i.substatus} />{" "}
            </>
          )}
          <span class="num">{i.short_id}</span>
          {i.parts > 1 && <span> · {i.parts} merged</span>}
          {i.culprit && <span> · {i.culprit}</span>}
          {i.assignee && <span> · {i.assignee}</span>}
        </div>
      </div>
    </div>
  );
}

function NoIssues({ narrowed, status }: { narrowed: boolean; status: string }) {
  if (!narrowed) {
    return (
      <FirstData signal="errors" title="No unresolved issues in this time range.">
        Errors that applications report are grouped here. Nothing that is unresolved was seen in this range.
      </FirstData>
    );
  }
  return (
    <EmptyState
      icon="check"
      title={status === "unresolved" ? "No issue matches." : `No ${status === "all" ? "" : status === "ignored" ? "archived" : status} issue in this time range.`}
      action={<Button onClick={() => setUrl({ where: null, q: null, status: null, range: "30d", from: null, to: null })}>Show 30 days, without filters</Button>}
    />
  );
}
