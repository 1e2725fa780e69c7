// What changed in the range, newest first: releases, new and regressed issues, alerts. Each leads on, or to what else
// happened around it.
import { openAround } from "../../app/AroundDrawer";
import { Link } from "../../app/Link";
import { Ago, Badge, IconButton, Segmented, type Tone } from "../../kit";
import type { Change } from "../../lib/types";
import { setUrl, useParam } from "../../lib/url";

const KINDS: Record<Change["kind"], { tone: Tone; text: string; group: string }> = {
  release: { tone: "info", text: "Release", group: "releases" },
  issue_new: { tone: "accent", text: "New issue", group: "issues" },
  issue_regressed: { tone: "bad", text: "Regressed", group: "issues" },
  alert_firing: { tone: "bad", text: "Firing", group: "alerts" },
  alert_resolved: { tone: "good", text: "Resolved", group: "alerts" },
};
const SHOWN = 40;

export function Changes({ changes }: { changes: readonly Change[] }) {
  const group = useParam("changes") || "all";
  const newest = changes
    .filter((c) => group === "all" || KINDS[c.kind]?.group === group)
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))
    .slice(0, SHOWN);
  return (
    <section class="changes" aria-label="What changed">
      <header class="changes-head">
        <h2>What changed</h2>
        {changes.length > 6 && (
          <Segmented
            label="Kind of change"
            value={group}
            options={[["all", "All"], ["releases", "Releases"], ["issues", "Issues"], ["alerts", "Alerts"]]}
            onChange={(v) => setUrl({ changes: v === "all" ? null : v }, { replace: true })}
          />
        )}
      </header>
      {newest.length === 0 ? (
        <p class="faint">Nothing in this time range: no release, no new issue, no alert.</p>
      ) : (
        <ol class="plain-list">
          {newest.map((c, i) => (
            <li key={i} class="change">
              <div class="row">
                <Badge tone={KINDS[c.kind]?.tone ?? "neutral"}>{KINDS[c.kind]?.text ?? c.kind}</Badge>
                {c.service && <span class="faint clip">{c.service}</span>}
                <span class="grow" />
                <span class="faint">
                  <Ago time={c.time} />
                </span>
                <IconButton small icon="around" label="What else happened here" onClick={() => openAround(c.time, c.service)} />
              </div>
              <ChangeTitle change={c} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function ChangeTitle({ change: c }: { change: Change }) {
  const to = c.kind.startsWith("issue") && c.link_id ? `/issues/${encodeURIComponent(c.link_id)}` : c.kind.startsWith("alert") ? "/alerts" : null;
  if (!to) return <p class="clip change-title" title={c.title}>{c.title}</p>;
  return (
    <p class="clip change-title">
      <Link to={to} title={c.title}>
        {c.title}
      </Link>
    </p>
  );
}
