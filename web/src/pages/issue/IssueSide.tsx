// Around the event: the figures of the issue, its events over time, who it is assigned to, and how its tags are spread.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Ago, Button, Field, Loaded, Menu, ShareBar, Skeleton, Value } from "../../kit";
import { get } from "../../lib/api";
import { count, group, percent } from "../../lib/format";
import { changeIssues } from "../../lib/issues";
import { useRange } from "../../lib/query";
import type { Facet, Issue, Point, ReleaseCount } from "../../lib/types";
import { EventBars, toBars } from "./EventBars";

export function IssueFacts({ issue }: { issue: Issue }) {
  return (
    <dl class="facts">
      <Fact name="Events">
        <span title={group(issue.event_count)}>{count(issue.event_count)}</span>
        {(issue.bodies_left_out ?? 0) > 0 && (
          <span class="faint" title={`${group(issue.event_count)} events were counted; of ${group(issue.event_count - (issue.bodies_left_out ?? 0))} the body was kept`}>
            {" "}
            counted, {count(issue.event_count - (issue.bodies_left_out ?? 0))} kept
          </span>
        )}
      </Fact>
      <Fact name="Users">
        <span title={issue.users_estimated ? `about ${group(issue.user_count)}, within 1 %` : group(issue.user_count)}>{count(issue.user_count)}</span>
      </Fact>
      <Fact name="Last seen">
        <Ago time={issue.last_seen} suffix />
      </Fact>
      <Fact name="First seen">
        <Ago time={issue.first_seen} suffix />
      </Fact>
      <Fact name="First release">{issue.first_release ? <Value field="release" value={issue.first_release} /> : "–"}</Fact>
      <Fact name="Last release">{issue.last_release ? <Value field="release" value={issue.last_release} /> : "–"}</Fact>
    </dl>
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

const DAY_MS = 86400e3;

interface Stats {
  hours: Point[];
  releases: ReleaseCount[];
}
export function IssueHistory({ issue }: { issue: Issue }) {
  const { start: from, end, setRange } = useRange();
  // Counts are hourly: an hour of them would be one bar.
  const start = Math.min(from, end - DAY_MS);
  const params = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
  const stats = useQuery({
    queryKey: ["issue-stats", issue.id, params],
    queryFn: ({ signal }) => get<Stats>(`issues/${issue.id}/stats`, params, signal),
  });
  return (
    <section aria-label="Events over time" class="issue-history">
      <Loaded result={stats} skeleton={<Skeleton height={92} />}>
        {(s) => (
          <EventBars bars={toBars(s.hours, start, end)} releases={s.releases} onZoom={(from, to) => setRange({ kind: "absolute", from, to })} />
        )}
      </Loaded>
    </section>
  );
}

export function TagList({ issue }: { issue: Issue }) {
  const tags = useQuery({
    queryKey: ["issue-tags", issue.id, issue.last_seen],
    queryFn: ({ signal }) => get<{ tags: { key: string; values: Facet["values"] }[] }>(`issues/${issue.id}/tags`, {}, signal),
  });
  return (
    <aside class="issue-side" aria-label="Tags">
      <h2>Tags</h2>
      <Loaded result={tags} skeleton={<Skeleton lines={8} />}>
        {(t) => (
          <div class="stack">
            {t.tags
              .filter((tag) => tag.values.length > 1)
              .map((tag) => (
                <TagSpread key={tag.key} name={tag.key} values={tag.values} />
              ))}
            <SameTags tags={t.tags.filter((tag) => tag.values.length === 1)} />
            {t.tags.length === 0 && <p class="faint">The events carry no tags.</p>}
          </div>
        )}
      </Loaded>
    </aside>
  );
}

const FILLS = ["tag-1", "tag-2", "tag-3", "tag-4"];
const SHOWN = 4;
function TagSpread({ name, values }: { name: string; values: Facet["values"] }) {
  const total = values.reduce((sum, v) => sum + v.count, 0);
  const parts = values.slice(0, SHOWN).map((v, i) => ({ name: v.value, value: v.count, className: FILLS[i]! }));
  const rest = values.slice(SHOWN).reduce((sum, v) => sum + v.count, 0);
  return (
    <div class="tag">
      <div class="row">
        <span class="clip strong grow">{name}</span>
        {values.length > SHOWN && <span class="faint num">{values.length} values</span>}
      </div>
      <ShareBar parts={[...parts, { name: "others", value: rest, className: "fill-debug" }]} label={name} />
      <ul>
        {values.slice(0, SHOWN).map((v, i) => (
          <li key={v.value} class="row">
            <i class={`tag-dot ${FILLS[i]}`} aria-hidden="true" />
            <span class="grow clip">
              <Value field={name} value={v.value} />
            </span>
            <span class="num faint">{percent(v.count / total)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Tags that are the same on every event: one line each. */
function SameTags({ tags }: { tags: readonly { key: string; values: Facet["values"] }[] }) {
  if (tags.length === 0) return null;
  return (
    <div>
      <h3 class="section-title">Always the same</h3>
      <dl class="same-tags">
        {tags.map((tag) => (
          <div key={tag.key}>
            <dt class="clip muted">{tag.key}</dt>
            <dd class="clip">
              <Value field={tag.key} value={tag.values[0]!.value} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

export function Assignee({ issue }: { issue: Issue }) {
  const me = useSession().data?.user;
  return (
    <Menu label="Assign" icon="user" kind="plain" button={issue.assignee || "Assign"}>
      {(close) => (
        <AssignPanel
          current={issue.assignee}
          me={me?.email ?? ""}
          onAssign={(assignee) => {
            close();
            void changeIssues([issue], { assignee });
          }}
        />
      )}
    </Menu>
  );
}
function AssignPanel(p: { current: string; me: string; onAssign: (who: string) => void }) {
  const [who, setWho] = useState(p.current);
  return (
    <form
      class="stack assign-panel"
      onSubmit={(e) => {
        e.preventDefault();
        p.onAssign(who.trim());
      }}
    >
      <Field label="Assigned to" value={who} placeholder="ada@example.com" onInput={(e) => setWho(e.currentTarget.value)} />
      <div class="row">
        <Button type="submit" kind="primary" small>
          Assign
        </Button>
        {p.me && p.me !== p.current && (
          <Button small onClick={() => p.onAssign(p.me)}>
            To me
          </Button>
        )}
        {p.current && (
          <Button small kind="quiet" onClick={() => p.onAssign("")}>
            To nobody
          </Button>
        )}
      </div>
    </form>
  );
}
