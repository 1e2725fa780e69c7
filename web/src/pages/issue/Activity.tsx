// What happened to the issue and what people say about it, newest first.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Ago, Button, Icon, type IconName, Loaded, Skeleton, toast } from "../../kit";
import { del, get, post, put } from "../../lib/api";
import { queryClient } from "../../lib/query";
import type { Issue, IssueActivity } from "../../lib/types";

const SHOWN = 50;
interface Entries {
  activity: IssueActivity[];
  more: boolean;
}

const ICONS: Record<IssueActivity["action"], IconName> = {
  comment: "user", resolved: "check", reopened: "refresh", archived: "mute", assigned: "user", priority: "flag", merged: "group",
  unmerged: "group", regressed: "refresh", escalating: "spark", unarchived: "refresh", ongoing: "clock",
};

/** What was done, as it follows a name; without one, as it stands alone. */
export function activityText({ action, detail, who }: Pick<IssueActivity, "action" | "detail" | "who">): string {
  const of = detail ? ` ${detail}` : "";
  switch (action) {
    case "comment":
      return "commented";
    case "resolved":
      return `resolved it${of}`;
    case "reopened":
      return "reopened it";
    case "archived":
      return `archived it${of}`;
    case "assigned":
      return who ? (detail ? `assigned it to ${detail}` : "assigned it to nobody") : `Assigned to ${detail} by the ownership rules`;
    case "priority":
      return `set the priority to ${detail}`;
    case "merged":
      return `merged${of} into it`;
    case "unmerged":
      return detail.startsWith("from ") ? `took it out of ${detail.slice(5)}` : `took${of} out of it`;
    case "regressed":
      return `Came back${detail ? ` in ${detail}` : ""}`;
    case "escalating":
      return `Escalates: ${detail}`;
    case "unarchived":
      return `Back from the archive: ${detail}`;
    case "ongoing":
      return "Ongoing: it has been there for a week";
  }
}

const key = (issue: Issue) => ["issue-activity", issue.id];

/** Sends, tells of failure, and asks for the list anew. True when it was taken. */
async function sent(issue: Issue, change: () => Promise<unknown>): Promise<boolean> {
  let done = true;
  try {
    await change();
  } catch (e) {
    done = false;
    toast(`Not kept: ${(e as Error).message}`, { bad: true });
  }
  await queryClient.invalidateQueries({ queryKey: key(issue) });
  return done;
}

export function Activity({ issue }: { issue: Issue }) {
  const role = useSession().data?.user?.role;
  const list = useQuery({ queryKey: key(issue), queryFn: ({ signal }) => get<Entries>(`issues/${issue.id}/activity`, { limit: SHOWN }, signal) });
  return (
    <section class="issue-section" aria-label="Activity">
      <h2>Activity</h2>
      {(role === "editor" || role === "admin") && <CommentBox label="Comment" button="Comment" onSend={(text) => sent(issue, () => post(`issues/${issue.id}/comments`, { text }))} />}
      <Loaded result={list} skeleton={<Skeleton lines={3} />}>
        {({ activity, more }) => (
          <>
            <ol class="activity">
              {activity.map((a) => (
                <Entry key={a.id} issue={issue} entry={a} />
              ))}
              <li class="activity-entry">
                <Icon name="issues" size={14} />
                <span class="muted">
                  First seen <Ago time={issue.first_seen} suffix />
                </span>
              </li>
            </ol>
            {more && <p class="faint">The newest {SHOWN} entries are shown.</p>}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Entry({ issue, entry: a }: { issue: Issue; entry: IssueActivity }) {
  const [editing, setEditing] = useState(false);
  const path = `issues/${issue.id}/comments/${a.id}`;
  const remove = async () => {
    if (!(await sent(issue, () => del(path)))) return;
    toast("Comment removed.", { undo: () => void sent(issue, () => post(`issues/${issue.id}/comments`, { text: a.text })) });
  };
  return (
    <li class="activity-entry">
      <Icon name={ICONS[a.action]} size={14} />
      <div class="grow">
        <p class="breakable">
          {a.who && <span class="strong">{a.who} </span>}
          <span class="muted">{activityText(a)}</span>{" "}
          <span class="faint">
            <Ago time={a.time} suffix />
            {a.edited && ", changed"}
          </span>
        </p>
        {a.action === "comment" &&
          (editing ? (
            <CommentBox
              label="Change the comment"
              button="Save"
              text={a.text}
              onCancel={() => setEditing(false)}
              onSend={async (text) => {
                const done = await sent(issue, () => put(path, { text }));
                if (done) setEditing(false);
                return done;
              }}
            />
          ) : (
            <p class="comment-text breakable">{a.text}</p>
          ))}
        {a.mine && !editing && (
          <div class="row comment-actions">
            <Button small kind="quiet" aria-label="Change the comment" onClick={() => setEditing(true)}>
              Change
            </Button>
            <Button small kind="quiet" aria-label="Remove the comment" onClick={() => void remove()}>
              Remove
            </Button>
          </div>
        )}
      </div>
    </li>
  );
}

function CommentBox(p: { label: string; button: string; text?: string; onSend: (text: string) => Promise<boolean>; onCancel?: () => void }) {
  const [text, setText] = useState(p.text ?? "");
  const [busy, setBusy] = useState(false);
  const send = async (e: Event) => {
    e.preventDefault();
    if (busy || text.trim() === "") return;
    setBusy(true);
    if (await p.onSend(text.trim())) setText("");
    setBusy(false);
  };
  return (
    <form class="stack comment-box" aria-busy={busy} onSubmit={(e) => void send(e)}>
      <textarea
        class="input"
        rows={2}
        aria-label={p.label}
        placeholder="What is known about it?"
        value={text}
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) void send(e);
        }}
      />
      <div class="row">
        <Button type="submit" small disabled={text.trim() === ""}>
          {p.button}
        </Button>
        {p.onCancel && (
          <Button small kind="quiet" onClick={p.onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
