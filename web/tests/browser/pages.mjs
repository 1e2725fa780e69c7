// Every page there is, and what can lie over it, by name: for axe, for screenshots and for the checks of focus.
// `settings.data` names things of the planted data: {issue, trace, span, query, time}; without it the pages are empty.
import { apiHas } from "./api-has.mjs";
import { settled } from "./harness.mjs";

const press = (key) => async (page) => {
  await page.keyboard.press(key);
  await page.getByRole("dialog").first().waitFor();
};
const openFirstRow = async (page) => {
  await page.getByRole("row").nth(1).click({ position: { x: 4, y: 8 } });
  await page.getByRole("dialog").first().waitFor();
  await settled(page);
};

const openContext = async (page) => {
  await openFirstRow(page);
  await page.getByRole("dialog").getByRole("button", { name: "Context" }).click();
  await page.getByRole("list", { name: "Lines around this one" }).waitFor();
  await settled(page);
};
const openMenu = (name) => async (page) => {
  await page.getByRole("button", { name }).first().click();
  await settled(page);
};
/** A part of the page further down; `open`: that is folded away. */
const showRegion = (name, open = false) => async (page) => {
  const region = page.getByRole("region", { name, exact: true }).first();
  for (let i = 0; i < 50 && (await region.count()) === 0; i++) {
    await page.mouse.wheel(0, 1000);
    await page.waitForTimeout(100);
  }
  if (open) await region.locator("summary").click();
  await region.evaluate((e) => e.scrollIntoView({ block: "center" }));
  await settled(page);
};
const make = (item) => async (page) => {
  await page.getByRole("button", { name: "Make", exact: true }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await page.getByRole("dialog").first().waitFor();
  await settled(page);
};

export function pagesOf(settings) {
  const data = settings.data;
  const pages = [
    { name: "overview", path: "/?range=15m" },
    { name: "issues", path: "/issues?range=24h" },
    { name: "logs", path: "/logs?range=15m" },
    { name: "traces", path: "/traces?range=15m" },
    { name: "metrics", path: data ? `/metrics?range=15m&expr=${encodeURIComponent(data.query)}` : "/metrics" },
    { name: "cardinality", path: "/metrics?range=15m&tab=cardinality" },
    { name: "alerts", path: "/alerts" },
    { name: "targets", path: "/alerts?tab=targets" },
    { name: "releases", path: "/releases" },
    { name: "crons", path: "/crons" },
    { name: "crons-new", path: "/crons?new=1", prepare: (page) => page.getByRole("dialog").first().waitFor() },
    { name: "feedback", path: "/feedback" },
    ...["projects", "send", "tokens", "users", "usage", "intake", "grouping", "ownership", "issue-alerts", "storage", "account", "appearance"].map((part) => ({ name: `settings-${part}`, path: `/settings/${part}` })),
    { name: "kit", path: "/kit" },
    { name: "no-page", path: "/nowhere" },
    { name: "palette", path: "/issues?range=24h", prepare: press("Control+k"), desktop: true },
    { name: "keys", path: "/issues?range=24h", prepare: press("?"), desktop: true },
  ];
  if (!data) return pages;
  return [
    ...pages,
    { name: "issue", path: `/issues/${data.issue}` },
    { name: "issue-request", path: `/issues/${data.issue}`, prepare: showRegion("Log lines of the same request") },
    { name: "issue-raw", path: `/issues/${data.issue}`, prepare: showRegion("Raw JSON", true) },
    { name: "issue-archive", path: `/issues/${data.issue}`, prepare: openMenu("Archive"), desktop: true },
    { name: "release", path: `/releases/${encodeURIComponent(data.release)}` },
    { name: "crons-job", path: "/crons", prepare: openFirstRow },
    { name: "metrics-exemplars", path: `/metrics?range=15m&expr=${encodeURIComponent("histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket[1m])))")}` },
    { name: "metrics-table", path: `/metrics?range=15m&view=table&expr=${encodeURIComponent(data.query)}` },
    { name: "metrics-browser", path: "/metrics?range=15m&find=http" },
    { name: "cardinality-label", path: `/metrics?range=15m&tab=cardinality&label=route&select=${encodeURIComponent('{__name__="http_request_duration_seconds_bucket"}')}` },
    { name: "trace", path: `/traces/${data.trace}` },
    { name: "span", path: `/traces/${data.trace}?span=${data.span}` },
    { name: "logs-by-service", path: "/logs?range=15m&by=service" },
    { name: "logs-patterns", path: "/logs?range=15m&view=patterns" },
    { name: "logs-logql", path: `/logs?range=15m&lang=logql&expr=${encodeURIComponent('{service_name="stockapp"} |= "analysis"')}` },
    { name: "logs-logql-numbers", path: `/logs?range=15m&lang=logql&expr=${encodeURIComponent('sum by (detected_level) (rate({service_name="stockapp"}[1m]))')}` },
    { name: "log-line", path: "/logs?range=15m", prepare: openFirstRow },
    { name: "log-context", path: "/logs?range=15m", prepare: openContext },
    { name: "logs-saved", path: "/logs?range=15m&where=level%3Derror", prepare: openMenu("Saved searches"), desktop: true },
    { name: "logs-export", path: "/logs?range=15m", prepare: openMenu("Export"), desktop: true },
    ...(apiHas("alert-rules")
      ? [
          { name: "make-alert", path: "/logs?range=15m&where=level%3Derror", prepare: make("Alert on this"), desktop: true },
          { name: "make-metric", path: "/logs?range=15m&where=level%3Derror", prepare: make("Make a metric of this"), desktop: true },
          { name: "settings-log-metrics", path: "/settings/log-metrics" },
        ]
      : []),
    { name: "around", path: `/issues?range=24h&around=${encodeURIComponent(data.time)}&aminutes=5`, prepare: (page) => page.getByRole("dialog").first().waitFor().then(() => settled(page)) },
  ];
}
