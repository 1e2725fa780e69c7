// Commits that may have brought the error: of its releases, those that touched the file it came from.
import { useQuery } from "@tanstack/react-query";
import { Link } from "../../app/Link";
import { get } from "../../lib/api";
import { shortId } from "../../lib/format";
import type { components } from "../../lib/api-schema";
import { releasePath } from "../../lib/health";

type Suspect = components["schemas"]["Suspect"];

export default function Suspects({ issue, eventId }: { issue: number; eventId: string }) {
  const list = useQuery({
    queryKey: ["suspects", issue, eventId],
    queryFn: ({ signal }) => get<{ suspects: Suspect[] }>(`issues/${issue}/suspects`, { event_id: eventId }, signal),
  });
  if (!list.data?.suspects.length) return null;
  return (
    <section class="issue-section" aria-label="Suspect commits">
      <header class="section-head suspects-head">
        <h2>Suspect commits</h2>
        <span class="faint clip">they touched {list.data.suspects[0]?.path}</span>
      </header>
      <ul class="plain-list suspects">
        {list.data.suspects.map((s) => (
          <li key={s.commit.id} class="row row-wrap">
            <code title={s.commit.id}>{shortId(s.commit.id)}</code>
            <span class="grow clip" title={s.commit.message}>
              {s.commit.message.split("\n", 1)[0] || "No message"}
            </span>
            <span class="faint">{s.commit.author_name || s.commit.author_email}</span>
            <Link class="faint clip" to={releasePath(s.release)}>
              {s.release}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
