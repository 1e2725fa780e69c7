// The log explorer on the example application's lines, by mouse and by keyboard: split over time, save and share a
// search, take the lines along as a file, read around a line; and, where the server has it, patterns and LogQL.
import { existsSync, readFileSync } from "node:fs";
import { DESKTOP, expect, settled, until } from "./harness.mjs";
import { KeyboardPerson, MousePerson } from "./person.mjs";

const HAS_LOGQL = existsSync(new URL("../../../src/api/loki/query_routes.cpp", import.meta.url));
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
  expect((await list.locator("[aria-current=true]").count()) >= 1, "the line itself is marked");
  await person.press(drawer.getByRole("button", { name: "More lines around it" }));
  await until(async () => (await list.getByRole("listitem").count()) > before, "more lines come");
  await person.press(drawer.getByRole("link", { name: "Metrics of stockapp" }));
  await page.waitForURL((url) => url.pathname === "/metrics");
  await settled(page);
  expect(params(page).get("expr").includes("stockapp") && params(page).has("from"), "the service's metrics around the line");
}

async function patterns({ page, person }) {
  await page.goto("/logs?range=6h");
  await settled(page);
  await person.act("p", page.getByRole("button", { name: "Patterns" }));
  const table = page.getByRole("table", { name: "Patterns of these lines" });
  await table.getByRole("row").nth(1).waitFor();
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
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" | js");
  await page.getByRole("option", { name: /^json/ }).waitFor();
  await page.keyboard.press("Enter"); // takes the completion
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await until(() => (params(page).get("expr") ?? "").endsWith("| json"), "the stage is in the query");
  await settled(page);
  await until(async () => (await lines(page).count()) > 1, "lines are found");
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace"); // else the browser's own editing would carry styles over
  await page.keyboard.insertText('sum by (detected_level) (count_over_time({service_name="stockapp"}[5m]))');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await settled(page);
  await page.getByRole("figure").locator("canvas").waitFor();
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace"); // else the browser's own editing would carry styles over
  await page.keyboard.insertText('{service_name="stockapp"} | nonsense ((');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").first().waitFor();
  await person.press(page.getByRole("button", { name: "Back to filters" }));
  await until(() => !params(page).has("lang"), "filters again");
}

const TASKS = {
  "split lines by a field": groupBy,
  "save a search": saveSearch,
  "take the lines along": exportLines,
  "read around a line": around,
  ...(HAS_LOGQL ? { "see the patterns": patterns, "ask with LogQL": logql } : {}),
};

function task(name, run, Person) {
  return {
    name: `${name}, by ${Person === MousePerson ? "mouse" : "keyboard"}`,
    run: async (bench) => {
      const { context, page, watch } = await bench.open({ viewport: DESKTOP, acceptDownloads: true });
      await run({ page, watch, person: new Person(page), settings: bench.settings, data: bench.settings.data });
      watch.assertClean();
      await context.close();
    },
  };
}

export const scenarios = () => Object.entries(TASKS).flatMap(([name, run]) => [task(name, run, MousePerson), task(name, run, KeyboardPerson)]);
