// What the issue is made of: issues that were merged into it, and the hashes that lead to each. Either can be taken out.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Ago, Button, Loaded, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import { count, plural } from "../../lib/format";
import { takeOut } from "../../lib/issues";
import type { Issue, IssuePart } from "../../lib/types";

export function Parts({ issue }: { issue: Issue }) {
  const [open, setOpen] = useState(issue.parts > 1);
  return (
    <section class="issue-section" aria-label="Merged issues">
      <details open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <h2 class="grouping-title">Merged issues</h2>{" "}
          <span class="faint">{issue.parts > 1 ? `${plural(issue.parts, "issue")} in one` : "and the hashes that lead here"}</span>
        </summary>
        {open && <PartList issue={issue} />}
      </details>
    </section>
  );
}

function PartList({ issue }: { issue: Issue }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const parts = useQuery({
    queryKey: ["issue-parts", issue.id],
    queryFn: async ({ signal }) => (await get<{ parts: IssuePart[] }>(`issues/${issue.id}/parts`, {}, signal)).parts,
  });
  const toggle = (hash: string) => {
    const next = new Set(chosen);
    if (!next.delete(hash)) next.add(hash);
    setChosen(next);
  };
  return (
    <Loaded result={parts} skeleton={<Skeleton lines={4} />}>
      {(list) => {
        const all = list.flatMap((p) => p.hashes).length;
        return (
          <div class="stack grouping">
            <ul class="parts">
              {list.map((p) => (
                <Part key={p.id} issue={issue} part={p} alone={all === 1} chosen={chosen} onToggle={toggle} />
              ))}
            </ul>
            {all > 1 && (
              <div class="row row-wrap">
                <Button
                  small
                  disabled={chosen.size === 0 || chosen.size === all}
                  onClick={() => {
                    setChosen(new Set());
                    void takeOut(issue, { hashes: [...chosen] });
                  }}
                >
                  Take the chosen hashes out
                </Button>
                <span class="faint">Their events show in a new issue, which counts those to come. What was counted stays here.</span>
              </div>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function Part(p: { issue: Issue; part: IssuePart; alone: boolean; chosen: ReadonlySet<string>; onToggle: (hash: string) => void }) {
  const { part } = p;
  const own = part.id === p.issue.id;
  return (
    <li class="part">
      <div class="row row-wrap">
        <span class="num strong">{part.short_id}</span>
        <span class="grow clip muted">{part.title}</span>
        <span class="faint num">
          {plural(part.event_count, "event")}, {count(part.user_count)} {part.user_count === 1 ? "user" : "users"}
        </span>
        {!own && (
          <Button small icon="external" onClick={() => void takeOut(p.issue, { part: part.id })}>
            Take out
          </Button>
        )}
      </div>
      <ul>
        {part.hashes.map((h) => (
          <li key={h.hash} class="part-hash">
            <label class="row">
              {!p.alone && <input type="checkbox" checked={p.chosen.has(h.hash)} aria-label={`Hash ${h.hash.slice(0, 8)}`} onChange={() => p.onToggle(h.hash)} />}
              <span class="mono faint">{h.hash.slice(0, 8)}</span>
              <span class="grow clip">{h.title ?? "no event of it is kept"}</span>
              {h.last_seen && (
                <span class="faint">
                  <Ago time={h.last_seen} suffix />
                </span>
              )}
            </label>
          </li>
        ))}
      </ul>
    </li>
  );
}
