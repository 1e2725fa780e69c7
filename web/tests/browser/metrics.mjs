// The metrics explorer on the example application's numbers, by mouse and by keyboard: a query by clicks alone, dots that
// lead to traces, what a query cost, where series come from, and deleting some.
import { expect, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";

const params = (page) => new URL(page.url()).searchParams;
const main = (page) => page.locator("main");
const DURATIONS = "histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket[1m])))";

/** From the name of a metric to a query of its rate, split and narrowed, without a word of PromQL. */
async function byClicks({ page, person }) {
  await page.goto("/metrics?range=15m");
  await settled(page);
  const browser = page.getByRole("complementary", { name: "Metric browser" });
  await person.press(browser.getByRole("button", { name: "Counters" }));
  await until(() => params(page).get("kind") === "counter", "the kind is in the address");
  await person.write(browser.getByRole("searchbox", { name: "Find a metric" }), "HTTP requests");
  await until(() => params(page).get("find") === "HTTP requests", "what is looked for, too");
  await person.press(browser.getByRole("button", { name: /^http_requests_total/ })); // found by what it says of itself
  await until(() => /^sum \(rate\(http_requests_total\[\w+\]\)\)$/.test(params(page).get("expr") ?? ""), "a counter is shown per second");
  await settled(page);
  expect((await browser.innerText()).includes("HTTP requests"), "what the metric says of itself");
  await person.press(browser.getByRole("button", { name: "status", exact: true }));
  await until(() => (params(page).get("expr") ?? "").startsWith("sum by (status)"), "it is split");
  await browser.getByLabel("Label", { exact: true }).selectOption("route");
  const values = browser.getByLabel("Value of route");
  await values.waitFor();
  await values.selectOption("/api/analysis/analyze");
  await until(() => (params(page).get("expr") ?? "").includes('{route="/api/analysis/analyze"}'), "it is narrowed");
  await person.press(browser.getByRole("button", { name: /^Not route/ }));
  await until(() => (params(page).get("expr") ?? "").includes('{route!="/api/analysis/analyze"}'), "to all but the value");
  const chosen = page.url();
  await page.goto(chosen); // the address is the whole choice
  await settled(page);
  await browser.getByRole("button", { name: "Remove route" }).waitFor();
  expect((await browser.getByRole("button", { name: "status", exact: true }).getAttribute("aria-pressed")) === "true", "the choice is read back from the query");
  await person.press(browser.getByRole("button", { name: "All metrics" }));
  await browser.getByRole("list", { name: "Metrics" }).waitFor();
}

/** A slow request is a dot on the chart, says of which trace it is, and leads there. */
async function exemplars({ page, person }) {
  await page.goto(`/metrics?range=15m&expr=${encodeURIComponent(DURATIONS)}`);
  await settled(page);
  const dots = page.getByRole("group", { name: /exemplars?, arrow keys/ });
  await dots.waitFor();
  const links = dots.getByRole("link");
  await until(async () => (await links.count()) > 0, "there are dots");
  if (person.name === "mouse") await links.last().hover();
  else {
    await person.reach(dots.locator('[tabindex="0"]'));
    await page.keyboard.press("End");
  }
  const told = page.locator(".exemplar-tip");
  await told.waitFor();
  await until(async () => /trace/i.test(await told.innerText()), "it says which trace");
  const to = new URL(await links.last().getAttribute("href"), page.url());
  if (person.name === "mouse") await links.last().click();
  else await page.keyboard.press("Enter");
  await until(() => new URL(page.url()).pathname === to.pathname && to.pathname.startsWith("/traces/"), "the dot leads to the trace");
  await settled(page);
  await page.goBack();
  await settled(page);
  await person.press(main(page).getByRole("button", { name: "Exemplars", exact: true }));
  await until(() => params(page).get("exemplars") === "0", "that they are off is in the address");
  await dots.waitFor({ state: "detached" });
}

async function cost({ page, person }) {
  await page.goto(`/metrics?range=15m&expr=${encodeURIComponent("sum by (status) (rate(http_requests_total[1m]))")}`);
  await settled(page);
  const words = /\d+(ns|µs|ms|s) · [\d.,k]+ series and [\d.,kM]+ samples? read · [\d.,k]+ points?/;
  await until(async () => words.test(await main(page).innerText()), "what the query cost is said under the chart");
  await person.press(main(page).getByRole("group", { name: "View" }).getByRole("button", { name: "Table" }));
  await settled(page);
  await until(async () => words.test(await main(page).innerText()), "and under the table");
}

/** Metric → label → value, each a click and each in the address; relabelling to copy. */
async function cardinality({ page, person }) {
  await page.goto("/metrics?range=15m");
  await settled(page);
  const tab = page.getByRole("tab", { name: "Cardinality" });
  if (person.name === "mouse") await tab.click();
  else {
    await person.reach(page.getByRole("tab", { name: "Explore" })); // arrows go on from there
    await page.keyboard.press("ArrowRight");
  }
  await until(() => params(page).get("tab") === "cardinality", "the tab is in the address");
  await settled(page);
  await person.press(page.getByRole("region", { name: "Metrics with most series" }).getByRole("link", { name: "http_request_duration_seconds_bucket" }));
  await until(() => params(page).get("select") === '{__name__="http_request_duration_seconds_bucket"}', "the metric is selected");
  await settled(page);
  await person.press(page.getByRole("region", { name: "Labels with most values" }).getByRole("link", { name: "route", exact: true }));
  await until(() => params(page).get("label") === "route", "the label is opened");
  const values = page.getByRole("region", { name: "Values of route" });
  await values.waitFor();
  await settled(page);
  expect((await page.getByRole("region", { name: "What to do" }).innerText()).includes("target_label: route"), "relabelling for it");
  await person.press(values.getByRole("link", { name: "/api/analysis/analyze" }));
  await until(() => (params(page).get("select") ?? "").endsWith('route="/api/analysis/analyze"}'), "the value narrows the selection");
  await settled(page);
  await page.goBack();
  await values.waitFor(); // each step is one back
}

/** A selector that cannot be read is said to be wrong; the series of a good one are deleted only after a question. */
async function deleting({ page, person, watch }) {
  watch.expected.push("status of 400");
  await page.goto("/metrics?range=15m&tab=cardinality");
  await settled(page);
  const field = page.getByLabel("Series", { exact: true });
  await person.write(field, "{job=");
  await person.press(page.getByRole("button", { name: "Select", exact: true }));
  await page.getByRole("alert").waitFor();
  await person.write(field, 'users{tier="basic"}');
  await person.press(page.getByRole("button", { name: "Select", exact: true }));
  await until(() => params(page).get("select") === 'users{tier="basic"}', "the selector is in the address");
  await person.press(page.getByRole("button", { name: "Delete these series…" }));
  const dialog = page.getByRole("dialog", { name: /^Delete 1 series/ });
  await dialog.waitFor();
  await person.press(dialog.getByRole("button", { name: "Keep them" }));
  await dialog.waitFor({ state: "hidden" });
}

const TASKS = {
  "choose a query by clicks": byClicks,
  "from an exemplar to its trace": exemplars,
  "see what a query cost": cost,
  "find where series come from": cardinality,
  "ask before deleting series": deleting,
};
export const scenarios = () => byMouseAndKeyboard(TASKS);
