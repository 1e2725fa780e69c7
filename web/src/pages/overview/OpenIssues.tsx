// The issues that rise most, on the overview: what to look at first.
import { Link } from "../../app/Link";
import { Ago, IssueBadge, LevelMark, Loaded, Skeleton, SparkBars } from "../../kit";
import { count } from "../../lib/format";
import { risingIssues } from "../../lib/asks";
import { useIssues } from "../../lib/issues";
import { useRange } from "../../lib/query";
import { useParam } from "../../lib/url";

const SHOWN = 6;

export function OpenIssues() {
  const { params } = useRange();
  const project = useParam("project");
  const result = useIssues(risingIssues(params, project));
  return (
    <section aria-label="Unresolved issues" class="open-issues">
      <header class="changes-head">
        <h2>Unresolved issues</h2>
        {(result.data?.length ?? 0) > SHOWN && <Link to="/issues?sort=trend">All {count(result.data!.length)}</Link>}
      </header>
      <Loaded result={result} skeleton={<Skeleton lines={3} height={30} />}>
        {(issues) =>
          issues.length === 0 ? (
            <p class="faint overview-note">None was seen in this time range.</p>
          ) : (
            <ul class="plain-list">
              {issues.slice(0, SHOWN).map((i) => (
                <li key={i.id} class="row open-issue">
                  <LevelMark level={i.level} dot />
                  <Link to={`/issues/${i.id}`} class="clip grow open-issue-name">
                    {i.title}
                  </Link>
                  {i.substatus && i.substatus !== "ongoing" && <IssueBadge status={i.status} substatus={i.substatus} />}
                  <span class="open-issue-trend wide-only">{i.trend_24h && <SparkBars values={i.trend_24h} label="Events an hour, last 24 hours" tone="bad" />}</span>
                  <span class="num open-issue-count" title="Events">
                    {count(i.event_count)}
                  </span>
                  <span class="faint open-issue-age">
                    <Ago time={i.last_seen} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}
