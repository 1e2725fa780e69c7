// What became of what SDKs sent to a project: taken, filtered, over a limit, by category and over time.
import { useQuery } from "@tanstack/react-query";
import { Loaded, Segmented } from "../../kit";
import { get } from "../../lib/api";
import { count, group } from "../../lib/format";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { formatDateTime } from "../../lib/time";
import { setUrl, useParam } from "../../lib/url";
import { KINDS, categoryName, reasonName, type UsageAnswer, type UsageBar, usageBars, usageReasons, usageRows } from "../../lib/usage";
import { OfProject } from "./OfProject";

const DAYS = [["1", "24 hours"], ["7", "7 days"], ["30", "30 days"]] as const;
const POINTS: Record<string, number> = { "1": 48, "7": 56, "30": 60 };
const HEIGHT = 128;
const REASONS_SHOWN = 12;

export function Usage() {
  return (
    <>
      <p class="muted">What Sentry SDKs have sent with the project's keys, and what became of it. Every item is counted once, whatever was done with it.</p>
      <OfProject>{(project) => <UsageOf key={project.id} project={project.id} />}</OfProject>
    </>
  );
}

function UsageOf({ project }: { project: number }) {
  const wanted = useParam("days");
  const days = DAYS.some(([d]) => d === wanted) ? wanted : "1";
  const category = useParam("category");
  const usage = useQuery({
    queryKey: ["usage", project, days],
    refetchInterval: 30_000,
    queryFn: ({ signal }) => get<UsageAnswer>(`projects/${project}/usage`, { start: new Date(Date.now() - Number(days) * 86_400_000).toISOString(), points: POINTS[days] ?? 48 }, signal),
  });
  return (
    <>
      <Segmented label="Time" value={days} options={DAYS} onChange={(d) => setUrl({ days: d === "1" ? null : d })} />
      <Loaded result={usage}>
        {(answer) => {
          const rows = usageRows(answer.totals);
          if (rows.length === 0) return <p class="muted">Nothing has been sent in this time.</p>;
          const reasons = usageReasons(answer.totals, category);
          const shown = rows.some((r) => r.category === category) ? category : "";
          return (
            <>
              <UsagePlot bars={usageBars(answer, shown)} name={shown ? categoryName(shown) : "Everything"} />
              <div class="scroll-x" tabIndex={0} role="region" aria-label="Usage by category">
                <table class="plain-table usage-table">
                  <thead>
                    <tr>
                      <th scope="col">Category</th>
                      {KINDS.map(([kind, name]) => (
                        <th key={kind} scope="col" class="cell-end">
                          <i class={`tag-dot usage-${kind}`} aria-hidden="true" /> {name}
                        </th>
                      ))}
                    </tr>
                  </thead>
                  <tbody class="num">
                    {rows.map((r) => (
                      <tr key={r.category}>
                        <th scope="row">
                          <button type="button" class="link-button" aria-pressed={r.category === shown} onClick={() => setUrl({ category: r.category === shown ? null : r.category })}>
                            {categoryName(r.category)}
                          </button>
                        </th>
                        {KINDS.map(([kind]) => (
                          <td key={kind} class={r.counts[kind] ? "cell-end" : "cell-end faint"} title={group(r.counts[kind])}>
                            {r.counts[kind] ? count(r.counts[kind]) : "–"}
                          </td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {reasons.length > 0 && (
                <section aria-label="Why things were not kept" class="stack">
                  <h2>Why things were not kept</h2>
                  <ul class="plain-list">
                    {reasons.slice(0, REASONS_SHOWN).map((r) => (
                      <li key={`${r.kind} ${r.category} ${r.reason}`} class="row">
                        <i class={`tag-dot usage-${r.kind}`} aria-hidden="true" />
                        <span class="grow breakable">
                          {categoryName(r.category)} <span class="muted">{KINDS.find(([k]) => k === r.kind)?.[1]}: {reasonName(r.kind, r.reason)}</span>
                        </span>
                        <span class="num">{group(r.quantity)}</span>
                      </li>
                    ))}
                  </ul>
                </section>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function UsagePlot({ bars, name }: { bars: readonly UsageBar[]; name: string }) {
  const { zone } = useStore(prefs);
  const top = Math.max(...bars.map((b) => b.total), 1);
  const sum = (kind: (typeof KINDS)[number][0]) => bars.reduce((n, b) => n + b.counts[kind], 0);
  const words = KINDS.filter(([kind]) => sum(kind) > 0).map(([kind, said]) => `${count(sum(kind))} ${said}`);
  return (
    <figure class="usage-plot">
      <figcaption class="row row-wrap">
        <span class="strong grow">{name}</span>
        <span class="faint num">at most {count(top)} a bar</span>
      </figcaption>
      <div class="usage-bars" role="img" aria-label={`${name}: ${words.join(", ") || "nothing"}`} style={{ height: `${HEIGHT}px` }}>
        {bars.map((b) => {
          const said = KINDS.filter(([kind]) => b.counts[kind] > 0).map(([kind, text]) => `${group(b.counts[kind])} ${text}`);
          return (
            <div key={b.time} class="usage-bar" title={[formatDateTime(b.time, zone), ...said].join("\n")}>
              {[...KINDS].reverse().map(([kind]) => b.counts[kind] > 0 && <i key={kind} class={`usage-${kind}`} style={{ height: `${(b.counts[kind] / top) * HEIGHT}px`, minHeight: "2px" }} />)}
            </div>
          );
        })}
      </div>
      <div class="row faint num">
        <span class="grow">{bars[0] && formatDateTime(bars[0].time, zone)}</span>
        <span>now</span>
      </div>
    </figure>
  );
}
