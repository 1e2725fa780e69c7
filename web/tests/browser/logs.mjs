// The log explorer on the example application's lines, by mouse and by keyboard: split over time, save and share a
// search, take the lines along as a file, read around a line, patterns, LogQL, live; an alert and a metric out of a search.
import { readFileSync } from "node:fs";
import { apiHas } from "./api-has.mjs";
import { expect, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";
import { nowNs, shipper } from "./push.mjs";

/** The same server may be asked twice. */
const RUN = Date.now().toString(36);
const params = (page) => new URL(page.url()).searchParams;
const lines = (page) => page.getByRole("table", { name: "Log lines" }).getByRole("row");

async function groupBy({ page, person }) {
  await page.goto("/logs?range=6h");
  await settled(page);
  await page.getByRole("complementary").getByRole("button", { name: "Group by Release" }).waitFor({ state: "attached" });
  if (person.name === "mouse") await page.getByRole("complementary").getByText("Release").hover();
  await person.press(page.getByRole("complementary").getByRole("button", { name: "Group by Release" }));
  await until(() => params(page).get("by") === "release", "the field is in the address");
  await settled(page);
  const chart = page.getByRole("figure", { name: "Log lines by release" });
  await chart.waitFor();
  expect((await chart.innerText()).includes("stockapp@"), "the releases are named under the chart");
  await person.press(page.getByRole("button", { name: "Group by release no longer" }));
  await until(() => !params(page).has("by"), "levels again");
  // From a value, too.
  if (person.name === "mouse") await lines(page).nth(1).click({ position: { x: 150, y: 8 } });
  else await person.keys("j o");
  const drawer = page.getByRole("dialog", { name: "Log line" });
  await person.press(drawer.getByRole("button", { name: "stockapp", exact: true }).first());
  await person.press(page.getByRole("menuitem", { name: "Group by service" }));
  await until(() => params(page).get("by") === "service", "the field of the value splits the lines");
}

async function saveSearch({ page, person }) {
  const name = `errors for the ${person.name} <b>`;
  await page.goto("/logs?range=6h&where=level%3Derror&row=2026-01-31T00:00:00Z");
  await settled(page);
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.write(page.getByLabel("Name of the search"), name);
  if (person.name === "keyboard") await page.keyboard.press("Enter");
  else await person.press(page.getByRole("button", { name: "Save", exact: true }));
  await page.getByRole("button", { name, exact: true }).waitFor();
  await page.goto("/logs?range=15m");
  await settled(page);
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.press(page.getByRole("button", { name, exact: true }));
  await until(() => params(page).get("where") === "level=error" && params(page).get("range") === "6h" && !params(page).has("row"), "the search is open again, without the line that was open");
  await settled(page);
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.press(page.getByRole("button", { name: `Remove ${name}` }));
  await page.getByRole("button", { name, exact: true }).waitFor({ state: "detached" });
}

async function exportLines({ page, person }) {
  await page.goto("/logs?range=6h&where=level%3Derror&cols=time,level,service,user_id,message");
  await settled(page);
  const total = Number((await lines(page).first().locator("xpath=ancestor::*[@role='table']").getAttribute("aria-rowcount")) ?? 0) - 1;
  for (const [title, check] of [
    ["NDJSON", (text) => text.trim().split("\n").map((line) => JSON.parse(line)).every((row) => row.level === "error")],
    ["CSV", (text) => /^time,level,service,user_id,message\r?\n/.test(text)],
  ]) {
    await person.press(page.getByRole("button", { name: "Export" }));
    const [file] = await Promise.all([page.waitForEvent("download"), person.press(page.getByRole("link", { name: new RegExp(`^${title}`) }))]);
    const text = readFileSync(await file.path(), "utf8");
    expect(/\.(ndjson|csv)$/.test(file.suggestedFilename()), `named ${file.suggestedFilename()}`);
    expect(check(text), `${title}: ${text.slice(0, 300)}`);
    if (title === "NDJSON") expect(text.trim().split("\n").length === total, `${title} has every line: ${total}`);
  }
}

async function around({ page, person }) {
  await page.goto("/logs?range=6h");
  await settled(page);
  if (person.name === "mouse") await lines(page).nth(20).click({ position: { x: 150, y: 8 } });
  else await person.keys("j j j j j j o");
  const drawer = page.getByRole("dialog", { name: "Log line" });
  await person.press(drawer.getByRole("button", { name: "Context" }));
  const list = drawer.getByRole("list", { name: "Lines around this one" });
  await list.waitFor();
  const before = await list.getByRole("listitem").count();
  expect((await list.locator("[aria-current=true]").count()) === 1, "the line itself is marked");
  await person.press(drawer.getByRole("button", { name: "Earlier lines" }));
  await until(async () => (await list.getByRole("listitem").count()) > before, "more lines come");
  await person.press(drawer.getByRole("link", { name: "Metrics of stockapp" }));
  await page.waitForURL((url) => url.pathname === "/metrics");
  await settled(page);
  expect(params(page).get("expr").includes("stockapp") && params(page).has("from"), "the service's metrics around the line");
}

/** Lines that share a time to the nanosecond, one of them twice: each opens as itself, and the lines around it are complete. */
async function sameTime({ page, person, origin }) {
  const push = await shipper(page, origin);
  const at = nowNs();
  const service = `twins-${person.name}-${RUN}`;
  const said = ["first", "second", "third", "third", "fourth"].map((word) => `${word} of one time`);
  await push({ service_name: service }, said.map((text) => [at, text]));
  await push({ service_name: service }, [[nowNs(5_000_000), "later"]]);
  await page.goto(`/logs?range=15m&where=service%3D${service}`);
  await settled(page);
  await until(async () => (await lines(page).count()) === said.length + 2, "all lines are found");
  const wanted = lines(page).filter({ hasText: "second of one time" });
  if (person.name === "mouse") await wanted.click({ position: { x: 150, y: 8 } });
  else {
    const at = (await lines(page).allInnerTexts()).findIndex((text) => text.includes("second of one time"));
    await person.keys(`${"j ".repeat(at)}o`);
  }
  const drawer = page.getByRole("dialog", { name: "Log line" });
  await drawer.getByText("second of one time").first().waitFor();
  await person.press(drawer.getByRole("button", { name: "Context" }));
  const list = drawer.getByRole("list", { name: "Lines around this one" });
  await list.waitFor();
  const shown = await list.getByRole("listitem").allInnerTexts();
  const count = (word) => shown.filter((text) => text.includes(word)).length;
  expect(["first", "second", "fourth", "later"].every((w) => count(w) === 1) && count("third") === 2, `every line once: ${shown.join(" | ")}`);
  expect((await list.locator("[aria-current=true]").innerText()).includes("second"), "the line itself is marked");
  await person.press(list.getByRole("button").filter({ hasText: "later" }));
  await until(async () => (await list.locator("[aria-current=true]").innerText().catch(() => "")).includes("later"), "a line of the context opens in its place");
}

async function patterns({ page, person }) {
  await page.goto("/logs?range=6h");
  await settled(page);
  await person.act("p", page.getByRole("button", { name: "Patterns" }));
  const table = page.getByRole("table", { name: "Patterns of these lines" });
  await table.getByRole("row").nth(1).waitFor();
  await settled(page); // the rows below the screen come a moment later
  const rows = await table.getByRole("row").count();
  await person.press(table.getByRole("button", { name: /^Leave out lines like/ }).first());
  await until(() => params(page).getAll("where").some((w) => w.startsWith("message!~")), "the pattern is a filter");
  await settled(page);
  await until(async () => (await table.getByRole("row").count()) < rows + 1, "fewer lines are left");
  await page.goBack();
  await settled(page);
  await person.press(table.getByRole("button", { name: "Only these" }).first());
  await until(() => params(page).getAll("where").some((w) => w.startsWith("message~")), "only these");
  await settled(page);
  await until(async () => (await lines(page).count()) > 1, "and their lines are shown");
}

async function logql({ page, person, watch }) {
  watch.expected.push("status of 400");
  await page.goto("/logs?range=6h&where=service%3Dstockapp&q=analysis");
  await settled(page);
  await person.act("q", page.getByRole("button", { name: "LogQL" }));
  await until(() => params(page).get("expr") === '{service_name="stockapp"} |= "analysis"', `the filters as a query, not ${params(page).get("expr")}`);
  await settled(page);
  await until(async () => (await lines(page).count()) > 1, "lines are found");
  const editor = page.getByRole("textbox", { name: "LogQL query" });
  await editor.waitFor();
  if (person.name === "keyboard") await page.keyboard.press("/");
  else await editor.click();
  await page.locator(".cm-content").waitFor();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" | js");
  await page.getByRole("option", { name: /^json/ }).waitFor();
  await page.waitForTimeout(150); // as people do: no key takes what has come under 75 ms ago (interactionDelay)
  await page.keyboard.press("Enter"); // takes the completion
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await until(() => (params(page).get("expr") ?? "").endsWith("| json"), "the stage is in the query");
  await settled(page);
  await until(async () => (await lines(page).count()) > 1, "lines are found");
  await person.press(page.getByRole("button", { name: "Export" }));
  const [file] = await Promise.all([page.waitForEvent("download"), person.press(page.getByRole("link", { name: /^NDJSON/ }))]);
  const rows = readFileSync(await file.path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  expect(rows.length > 0 && rows.every((row) => row.service === "stockapp" && /analysis/i.test(row.message)), "the file has the query's lines");
  if (person.name === "mouse") await lines(page).nth(1).click({ position: { x: 150, y: 8 } });
  else {
    await page.keyboard.press("Escape");
    await page.locator("#main").focus();
    await person.keys("j o");
  }
  const drawer = page.getByRole("dialog", { name: "Log line" });
  await person.press(drawer.getByRole("button", { name: "stockapp", exact: true }).first());
  await person.press(page.getByRole("menuitem", { name: "Group by service" }));
  await page.getByRole("figure", { name: "Log lines by service" }).waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  await person.act("p", page.getByRole("button", { name: "Patterns" }));
  await person.press(page.getByRole("table", { name: "Patterns of these lines" }).getByRole("button", { name: "Only these" }).first());
  await until(() => (params(page).get("expr") ?? "").includes("|> "), "the pattern is a part of the query");
  await settled(page);
  await until(async () => (await lines(page).count()) > 1, "and its lines are shown");
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace"); // else the browser's own editing would carry styles over
  await page.keyboard.insertText('sum by (detected_level) (count_over_time({service_name="stockapp"}[5m]))');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter"); // Enter may take a completion that has just come
  await settled(page);
  await page.getByRole("figure").locator("canvas").waitFor();
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace"); // else the browser's own editing would carry styles over
  await page.keyboard.insertText('{service_name="stockapp"} | nonsense ((');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter"); // Enter may take a completion that has just come
  await page.getByRole("alert").first().waitFor();
  await person.press(page.getByRole("button", { name: "Back to filters" }));
  await until(() => !params(page).has("lang"), "filters again");
}

/** A query's lines as they arrive; what the query leaves out does not come. */
async function followQuery({ page, person, origin }) {
  const push = await shipper(page, origin);
  const service = `tailed-${person.name}-${RUN}`;
  await push({ service_name: service }, [[nowNs(), "wanted before"]]);
  await page.goto(`/logs?range=15m&lang=logql&expr=${encodeURIComponent(`{service_name="${service}"} |= "wanted"`)}`);
  await settled(page);
  await until(async () => (await lines(page).count()) === 2, "the line of before");
  await person.act("l", page.getByRole("button", { name: "Live" }));
  await page.locator(".live-open").waitFor();
  await push({ service_name: service }, [[nowNs(), "wanted 1"], [nowNs(1), "other"], [nowNs(2), "wanted 2"]]);
  await lines(page).filter({ hasText: "wanted 2" }).waitFor();
  const shown = await lines(page).allInnerTexts();
  expect(shown.some((t) => t.includes("wanted 1")) && !shown.some((t) => t.includes("other")), `only what the query finds: ${shown.join(" | ")}`);
  await person.act("l", page.getByRole("button", { name: "Live" }));
  await until(() => !params(page).has("live"), "not live any more");
}

async function alertOnSearch({ page, person, origin, watch }) {
  watch.expected.push("status of 400");
  const name = `Many${person.name}${RUN}`;
  const push = await shipper(page, origin);
  const late = () => push({ service_name: `late-${person.name}-${RUN}` }, Array.from({ length: 6 }, (_, i) => [nowNs(i), `timeout ${i}`]));
  await late();
  await page.goto(`/logs?range=15m&where=service%3Dlate-${person.name}-${RUN}&q=timeout`);
  await settled(page);
  await person.press(page.getByRole("button", { name: "Make", exact: true }));
  await person.press(page.getByRole("menuitem", { name: "Alert on this" }));
  const dialog = page.getByRole("dialog", { name: "Alert on these lines" });
  await person.write(dialog.getByLabel("Lines", { exact: true }), "3");
  await dialog.getByText("it would have fired 1 time").waitFor();
  await person.write(dialog.getByLabel("Name"), name);
  await person.press(dialog.getByRole("button", { name: "Make the alert" }));
  await dialog.waitFor({ state: "detached" });
  await page.goto("/alerts");
  await settled(page);
  const rule = page.getByRole("link", { name, exact: true });
  await rule.waitFor();
  await until(async () => (await page.getByRole("row").filter({ has: rule }).innerText()).includes("Firing"), "it fires", 90_000);
  await person.press(rule);
  const drawer = page.getByRole("dialog", { name: `Rule ${name}` });
  await person.press(drawer.getByRole("button", { name: "Change" }));
  const change = page.getByRole("dialog", { name: `Change ${name}` });
  await person.write(change.getByLabel("Expression, LogQL"), "this is no query");
  await person.press(change.getByRole("button", { name: "Save" }));
  await change.getByRole("alert").filter({ hasText: "expr" }).waitFor();
  await person.write(change.getByLabel("Expression, LogQL"), `sum(count_over_time({service_name="late-${person.name}-${RUN}"} [5m])) > 1000`);
  await person.write(change.getByLabel("What the message says"), "A thousand timeouts");
  await person.press(change.getByRole("button", { name: "Save" }));
  await change.waitFor({ state: "detached" });
  await drawer.getByText("A thousand timeouts").first().waitFor();
  await person.press(drawer.getByRole("button", { name: "Pause" }));
  await until(async () => (await page.getByRole("row").filter({ has: rule }).innerText()).includes("Paused"), "it is paused");
  await person.press(drawer.getByRole("button", { name: "Remove the rule" }));
  await rule.waitFor({ state: "detached" });
}

async function metricOfSearch({ page, person, origin }) {
  const name = `paid_${person.name}_${RUN}_total`;
  await page.goto(`/logs?range=15m&where=service%3Dpaid-${person.name}-${RUN}`);
  await settled(page);
  await person.press(page.getByRole("button", { name: "Make", exact: true }));
  await person.press(page.getByRole("menuitem", { name: "Make a metric of this" }));
  const dialog = page.getByRole("dialog", { name: "Make a metric of these lines" });
  await person.write(dialog.getByLabel("Name"), name);
  await person.press(dialog.getByRole("button", { name: "Make the metric" }));
  await dialog.getByText("counts from now on").waitFor();
  const push = await shipper(page, origin);
  await push({ service_name: `paid-${person.name}-${RUN}` }, [[nowNs(), "paid 1"], [nowNs(1), "paid 2"]]);
  await person.press(dialog.getByRole("link", { name: "All metrics of logs" }));
  const entry = page.getByRole("list", { name: "Metrics of logs" }).getByRole("listitem").filter({ hasText: name });
  await until(async () => {
    await page.reload();
    await settled(page);
    return (await entry.innerText()).includes("2 lines");
  }, "both lines are counted", 60_000);
  await person.press(entry.getByRole("button", { name: `Remove ${name}` }));
  await entry.waitFor({ state: "detached" });
}

const TASKS = {
  "split lines by a field": groupBy,
  "save a search": saveSearch,
  "take the lines along": exportLines,
  "read around a line": around,
  "tell lines of one time apart": sameTime,
  "see the patterns": patterns,
  "ask with LogQL": logql,
  "follow a query": followQuery,
  ...(apiHas("alert-rules") ? { "alert on a search": alertOnSearch, "make a metric of a search": metricOfSearch } : {}),
};

export const scenarios = () => byMouseAndKeyboard(TASKS);
