// One piece of feedback: what was said, by whom, where, and what can be done about it.
import "./feedback.css";
import { Link } from "../../app/Link";
import { Ago, Badge, Button, Icon, toast } from "../../kit";
import { put } from "../../lib/api";
import { safeLink } from "../../lib/format";
import { type Feedback, releasePath } from "../../lib/health";
import { queryClient } from "../../lib/query";

type Status = Feedback["status"];
const DONE: Record<Status, string> = { open: "Open again.", resolved: "Resolved.", archived: "Archived." };

async function setStatus(f: Feedback, status: Status): Promise<void> {
  try {
    await put(`feedback/${f.id}`, { status });
    toast(DONE[status], { undo: () => void setStatus({ ...f, status }, f.status) });
    await queryClient.invalidateQueries({ queryKey: ["feedback"] });
  } catch (e) {
    toast((e as Error).message, { bad: true });
  }
}

export function FeedbackItem({ feedback: f, mayChange, withIssue }: { feedback: Feedback; mayChange: boolean; withIssue?: boolean }) {
  const link = safeLink(f.url);
  return (
    <li class="feedback-item">
      <div class="row row-wrap">
        <span class="strong clip">{f.name || f.email || "Someone"}</span>
        {f.name && f.email && <span class="faint clip">{f.email}</span>}
        <span class="faint">
          <Ago time={f.time} suffix />
        </span>
        {f.status !== "open" && <Badge tone={f.status === "resolved" ? "good" : "neutral"}>{f.status === "resolved" ? "Resolved" : "Archived"}</Badge>}
        <span class="grow" />
        {mayChange && f.status === "open" && (
          <>
            <Button small icon="check" aria-label="Resolve the feedback" onClick={() => void setStatus(f, "resolved")}>
              Resolve
            </Button>
            <Button small kind="quiet" aria-label="Archive the feedback" onClick={() => void setStatus(f, "archived")}>
              Archive
            </Button>
          </>
        )}
        {mayChange && f.status !== "open" && (
          <Button small kind="quiet" icon="refresh" aria-label="Reopen the feedback" onClick={() => void setStatus(f, "open")}>
            Reopen
          </Button>
        )}
      </div>
      <p class="feedback-text breakable">{f.message}</p>
      <div class="row row-wrap faint feedback-facts">
        {withIssue && f.issue && (
          <Link to={`/issues/${f.issue.id}`} title={f.issue.title} class="feedback-issue clip">
            <Icon name="issues" size={14} /> {f.issue.short_id} {f.issue.title}
          </Link>
        )}
        {f.trace_id && <Link to={`/traces/${f.trace_id}`}>Trace</Link>}
        {f.release && <Link to={releasePath(f.release)}>{f.release}</Link>}
        {f.environment && <span>{f.environment}</span>}
        {link && (
          <a href={link} target="_blank" rel="noreferrer noopener" class="clip">
            {f.url}
          </a>
        )}
      </div>
    </li>
  );
}
