// Why the event is in this issue: each reading of it that was hashed, what of it counts and what was left out.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Badge, Loaded, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import { plural } from "../../lib/format";
import type { GroupingPart, Issue } from "../../lib/types";

interface Variant {
  name: string;
  hash: string;
  bound: boolean;
  parts: GroupingPart[];
}
interface Explanation {
  event_id: string;
  as_kept: boolean;
  rule: string;
  variants: Variant[];
}

const NAMES: Record<string, string> = {
  app: "Exceptions and the application's frames",
  system: "Exceptions and all frames",
  exception: "Exceptions and their messages",
  message: "The message",
  custom: "A fingerprint",
  checksum: "The client's checksum",
  fallback: "Level, logger and transaction",
};
export function variantName(name: string): string {
  const salted = name.startsWith("hybrid-");
  const known = NAMES[salted ? name.slice(7) : name] ?? name;
  return salted ? `A fingerprint with: ${known.charAt(0).toLowerCase()}${known.slice(1)}` : known;
}

export function Grouping({ issue, eventId }: { issue: Issue; eventId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <section class="issue-section" aria-label="Grouping">
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <h2 class="grouping-title">Grouping</h2> <span class="faint">why this event is in this issue</span>
        </summary>
        {open && <Reasons issue={issue} eventId={eventId} />}
      </details>
    </section>
  );
}

function Reasons({ issue, eventId }: { issue: Issue; eventId: string }) {
  const why = useQuery({
    queryKey: ["issue-grouping", issue.id, eventId],
    queryFn: ({ signal }) => get<Explanation>(`issues/${issue.id}/grouping`, { event: eventId }, signal),
  });
  return (
    <Loaded result={why} skeleton={<Skeleton lines={6} />}>
      {({ rule, variants, as_kept }) => (
        <div class="stack grouping">
          {!as_kept && <p class="muted">As it would be grouped today. When it came, other rules or an older version grouped it.</p>}
          {rule && (
            <p>
              Decided by the rule <code class="breakable">{rule}</code>
            </p>
          )}
          {variants.map((v) => (
            <VariantParts key={v.hash} variant={v} />
          ))}
        </div>
      )}
    </Loaded>
  );
}

function VariantParts({ variant: v }: { variant: Variant }) {
  const counting = v.parts.filter((p) => p.counts);
  return (
    <div>
      <div class="row row-wrap">
        <h3>{variantName(v.name)}</h3>
        {v.bound ? <Badge tone="good">this issue</Badge> : <Badge title="No event of this issue has come with this hash">new hash</Badge>}
        <span class="faint mono">{v.hash.slice(0, 8)}</span>
        <span class="faint">
          {plural(counting.length, "part")} of {v.parts.length} count
        </span>
      </div>
      <ul class="grouping-parts">
        {v.parts.map((p, i) => (
          <li key={i} class={p.counts ? undefined : "faint"}>
            <span class="grouping-kind">{p.kind}</span>
            <span class="mono breakable">{p.text}</span>
            {p.why && <span class="grouping-why">{p.why}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}
