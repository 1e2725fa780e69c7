// Issues that may be the same problem, looked for when asked; each can be merged into this one.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Link } from "../../app/Link";
import { Button, IssueBadge, LevelMark, Loaded, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import type { components } from "../../lib/api-schema";
import { count } from "../../lib/format";
import { mergeIssues } from "../../lib/issues";
import type { Issue } from "../../lib/types";

type SimilarIssue = components["schemas"]["SimilarIssue"];

export default function Similar({ issue }: { issue: Issue }) {
  const [open, setOpen] = useState(false);
  return (
    <section class="issue-section" aria-label="Similar issues">
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <h2 class="grouping-title">Similar issues</h2> <span class="faint">that may be the same problem</span>
        </summary>
        {open && <Found issue={issue} />}
      </details>
    </section>
  );
}

function Found({ issue }: { issue: Issue }) {
  const result = useQuery({
    queryKey: ["similar", issue.id, issue.parts],
    queryFn: ({ signal }) => get<{ similar: SimilarIssue[] }>(`issues/${issue.id}/similar`, {}, signal),
  });
  return (
    <Loaded result={result} skeleton={<Skeleton lines={3} />}>
      {({ similar }) =>
        similar.length === 0 ? (
          <p class="muted">None.</p>
        ) : (
          <ul class="plain-list similar">
            {similar.map((s) => (
              <li key={s.issue.id} class="row row-wrap">
                <LevelMark level={s.issue.level} dot />
                <Link class="grow clip" to={`/issues/${s.issue.id}`} title={s.issue.title}>
                  {s.issue.title}
                </Link>
                <span class="faint">{[s.same_type && "same class", s.same_place && "same place"].filter(Boolean).join(", ")}</span>
                <IssueBadge status={s.issue.status} substatus={s.issue.substatus} />
                <span class="num faint" title="events">
                  {count(s.issue.event_count)}
                </span>
                <Button small kind="quiet" aria-label={`Merge ${s.issue.short_id} into this issue`} onClick={() => void mergeIssues([issue, s.issue], issue.id)}>
                  Merge
                </Button>
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}
