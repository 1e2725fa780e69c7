// An issue's events over time as small bars, in a column of the list.
import { SparkBars } from "../../kit";
import type { Issue } from "../../lib/types";

/** What an issue's bars say: the shortest that covers the page's range of time. */
const TRENDS = [
  { upToMs: 36 * 3600_000, values: (i: Issue) => i.trend_24h, header: "Last 24 hours", label: "Events an hour, last 24 hours" },
  { upToMs: 8 * 86_400_000, values: (i: Issue) => i.trend_7d, header: "Last 7 days", label: "Events in 6 hours each, last 7 days" },
  { upToMs: Infinity, values: (i: Issue) => i.trend_30d, header: "Last 30 days", label: "Events a day, last 30 days" },
] as const;
type Trend = (typeof TRENDS)[number];

export const trendOf = (spanMs: number): Trend => TRENDS.find((t) => spanMs <= t.upToMs) ?? TRENDS[2];

export function TrendBars({ issue: i, trend }: { issue: Issue; trend: Trend }) {
  const values = trend.values(i);
  if (!values) return null;
  return (
    <div class="issue-trend">
      <SparkBars values={values} label={trend.label} tone={i.status === "unresolved" ? "bad" : "muted"} />
    </div>
  );
}
