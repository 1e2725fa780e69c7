// What is decided about an issue: when it counts as resolved, until when it stays away, how urgent it is.
import { useState } from "preact/hooks";
import { Button, Field, Menu, MenuList, Select } from "../../kit";
import { changeIssues } from "../../lib/issues";
import type { Issue, IssueArchive, IssuePriority } from "../../lib/types";

export const PRIORITIES: readonly IssuePriority[] = ["high", "medium", "low"];

const HOUR_MS = 3600e3;
const inHours = (hours: number): IssueArchive => ({ until: "time", time: new Date(Date.now() + hours * HOUR_MS).toISOString() });

/** Until when an archived issue stays away, in words. */
export function archiveText(archive: IssueArchive | undefined): string {
  const within = archive?.window_hours ? ` within ${archive.window_hours} h` : "";
  switch (archive?.until) {
    case "escalating":
      return "until it escalates";
    case "time":
      return `until ${new Date(archive.time ?? "").toLocaleString()}`;
    case "events":
      return `until ${archive.count} more events${within}`;
    case "users":
      return `until ${archive.count} more users${within}`;
    default:
      return "for good";
  }
}

export function ArchiveMenu({ small, onArchive }: { small?: boolean; onArchive: (archive: IssueArchive) => void }) {
  return (
    <Menu label="Archive" icon="mute" kind="plain" small={small} button="Archive">
      {(close) => {
        const run = (archive: IssueArchive) => () => onArchive(archive);
        return (
          <>
            <MenuList
              label="Archive"
              onDone={close}
              items={[
                { label: "Until it escalates", run: run({ until: "escalating" }) },
                { label: "For a day", run: () => onArchive(inHours(24)) },
                { label: "For a week", run: () => onArchive(inHours(24 * 7)) },
                { label: "For a month", run: () => onArchive(inHours(24 * 30)) },
                { label: "For good", run: run({ until: "forever" }) },
              ]}
            />
            <ArchiveUntil
              onArchive={(archive) => {
                close();
                onArchive(archive);
              }}
            />
          </>
        );
      }}
    </Menu>
  );
}

/** Until so many more events or users. */
function ArchiveUntil({ onArchive }: { onArchive: (archive: IssueArchive) => void }) {
  const [count, setCount] = useState("100");
  const [of, setOf] = useState<"events" | "users">("events");
  const [hours, setHours] = useState("");
  return (
    <form
      class="stack archive-until"
      onSubmit={(e) => {
        e.preventDefault();
        onArchive({ until: of, count: Number(count), ...(Number(hours) > 0 ? { window_hours: Number(hours) } : {}) });
      }}
    >
      <div class="archive-row">
        <Field label="Until more" type="number" value={count} required pattern="[0-9]+" onInput={(e) => setCount(e.currentTarget.value)} />
        <Select label="Of what" value={of} options={[["events", "events"], ["users", "users"]]} onChange={(v) => setOf(v as "events" | "users")} />
        <Field label="Within hours" type="number" value={hours} placeholder="ever" onInput={(e) => setHours(e.currentTarget.value)} />
      </div>
      <Button type="submit" small>
        Archive until then
      </Button>
    </form>
  );
}

export function ResolveMenu({ issue }: { issue: Issue }) {
  return (
    <Menu label="Resolve in a release" icon="chevron" kind="plain">
      {(close) => (
        <>
          <MenuList
            label="Resolve in a release"
            onDone={close}
            items={[
              { label: "In the next release", run: () => void changeIssues([issue], { status: "resolved", resolved_in_next: true }) },
              ...(issue.last_release
                ? [{ label: `In ${issue.last_release}`, run: () => void changeIssues([issue], { status: "resolved", resolved_in: issue.last_release }) }]
                : []),
            ]}
          />
          <ResolveInCommit
            onResolve={(commit) => {
              close();
              void changeIssues([issue], { resolved_in_commit: commit });
            }}
          />
        </>
      )}
    </Menu>
  );
}

/** Once a release has that commit; at once when one has it. */
function ResolveInCommit({ onResolve }: { onResolve: (commit: string) => void }) {
  const [commit, setCommit] = useState("");
  return (
    <form
      class="stack commit-until"
      onSubmit={(e) => {
        e.preventDefault();
        onResolve(commit.trim());
      }}
    >
      <Field label="With a commit" value={commit} required pattern="\s*[0-9a-fA-F]{7,64}\s*" placeholder="9f2c1e7" onInput={(e) => setCommit(e.currentTarget.value)} />
      <Button type="submit" small>
        Resolve when it is released
      </Button>
    </form>
  );
}

export function Priority({ issue }: { issue: Issue }) {
  return (
    <Menu
      label="Priority"
      icon="flag"
      kind="plain"
      button={issue.priority}
      items={PRIORITIES.map((p) => ({ label: p, checked: p === issue.priority, run: () => void changeIssues([issue], { priority: p }) }))}
    />
  );
}
