// The ten main tasks, end to end on the example application's data, each once with the mouse and once by keyboard
// alone. Around them: what axe cannot judge (charts as words and tables, where the focus goes, motion), and phones.
import { DESKTOP, expect, PHONE, settled, until } from "./harness.mjs";
import { assertFocusBack, KeyboardPerson, MousePerson } from "./person.mjs";

const path = (page) => new URL(page.url()).pathname;
const params = (page) => new URL(page.url()).searchParams;
const at = (page, wanted) => until(() => path(page) === wanted, `the address becomes ${wanted}, is ${page.url()}`);
const main = (page) => page.locator("main");

async function signIn({ page, person, settings }) {
  await page.goto("/issues?range=24h");
  await at(page, "/sign-in");
  await person.write(page.getByLabel("E-mail"), settings.email);
  await person.write(page.getByLabel("Password"), "not my password");
  await person.press(page.getByRole("button", { name: "Sign in" }));
  await page.getByText("E-mail or password is wrong").waitFor();
  await person.write(page.getByLabel("Password"), settings.password);
  await person.press(page.getByRole("button", { name: "Sign in" }));
  await at(page, "/issues"); // back to where one wanted to go
  expect(params(page).get("range") === "24h", "the range of the link one followed is kept");
  await page.getByRole("table", { name: "Issues" }).waitFor();
}

/** From the overview to the errors of the service that fails. */
async function serviceErrors({ page, person, data }) {
  await page.goto("/?range=15m");
  await settled(page);
  const services = page.getByRole("region", { name: "Services" });
  await services.getByText("stockapp").first().waitFor();
  await person.press(page.getByRole("link", { name: /new issue/ }));
  await at(page, "/issues");
  await page.getByRole("table", { name: "Issues" }).getByText("ZeroDivisionError").first().waitFor();
  expect((await main(page).innerText()).includes(data.title), "the new error is in the list");
}

/** The list, then the issue and the line of source that failed. */
async function stackTrace({ page, person, data }) {
  await page.goto("/issues?range=24h&sort=events");
  await settled(page);
  await person.press(page.getByRole("link", { name: /ZeroDivisionError/ }));
  await at(page, `/issues/${data.issue}`);
  await settled(page);
  await page.getByRole("heading", { level: 1, name: "ZeroDivisionError" }).waitFor();
  const source = page.getByRole("region", { name: /^Source of/ }).first();
  await source.waitFor();
  expect((await source.innerText()).includes("/"), "the line that divides is shown");
  const frame = page.getByRole("button", { name: /stockapp/, expanded: false }).first();
  await person.press(frame);
  await until(async () => (await page.getByRole("region", { name: /^Source of/ }).count()) > 1, "a second frame opens");
}

async function resolveAndUndo({ page, person, data }) {
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  await person.act("e", page.getByRole("button", { name: "Resolve", exact: true }));
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  const status = async () => (await (await page.request.get(`/api/telltale/v1/issues/${data.issue}`)).json()).issue.status;
  await until(async () => (await status()) === "resolved", "the server knows");
  await person.act("z", page.getByRole("button", { name: "Undo" }));
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  await until(async () => (await status()) === "unresolved", "the server knows it was taken back");
  // The same in the list: with keys, or a box and a button.
  await page.goto("/issues?range=24h");
  await settled(page);
  const table = page.getByRole("table", { name: "Issues" });
  const row = table.getByRole("row").filter({ hasText: "ZeroDivisionError" });
  if (person.name === "mouse") {
    await person.press(row.getByRole("checkbox"));
    await person.press(page.getByRole("toolbar").getByRole("button", { name: "Resolve" }));
  } else {
    const names = await table.getByRole("row").allInnerTexts();
    for (let i = 0; i < names.findIndex((text) => text.includes("ZeroDivisionError")); i++) await page.keyboard.press("j");
    await page.keyboard.press("e");
  }
  await row.waitFor({ state: "detached" });
  await person.act("z", page.getByRole("button", { name: "Undo" }));
  await row.waitFor();
  await until(async () => (await status()) === "unresolved", "the server knows it was taken back");
}

/** One failed request: from its issue to its trace, back, and to its log lines by request id. */
async function follow({ page, person, data }) {
  await page.goto(`/issues/${data.issue}?range=24h`);
  await settled(page);
  await person.press(main(page).getByRole("link", { name: /^Trace/ }));
  await until(() => path(page).startsWith("/traces/"), "a trace opens");
  await settled(page);
  await page.getByText("Run sentiment analysis").first().waitFor();
  await page.goBack(); // Alt and an arrow belong to the browser's window, which a headless one does not have
  await at(page, `/issues/${data.issue}`);
  await settled(page);
  const tag = main(page).getByRole("button", { name: data.request }).first();
  await person.press(tag);
  await person.press(page.getByRole("menuitem", { name: "Logs with this value" }));
  await at(page, "/logs");
  await settled(page);
  expect(params(page).getAll("where").some((w) => w.includes(data.request)), "the filter goes along");
  await page.getByRole("table").getByText("Stock analysis started").first().waitFor();
}

async function slowTrace({ page, person }) {
  await page.goto("/traces?range=1h");
  await settled(page);
  const table = page.getByRole("table", { name: "Traces" });
  const before = await table.getAttribute("aria-rowcount");
  // How slow the slowest is depends on the machine: nine tenths of the longest one shown.
  const unit = { "µs": 0.001, ms: 1, s: 1000 };
  const shown = [...(await table.innerText()).matchAll(/([\d.]+)(µs|ms|s)\b/g)].map(([, n, u]) => Number(n) * unit[u]);
  const least = `${Math.max(1, Math.floor(Math.max(...shown) * 0.9))}ms`;
  await person.write(page.getByLabel("At least"), least);
  await page.keyboard.press("Enter");
  await until(() => params(page).get("min") === least, "the duration is in the address");
  await settled(page);
  expect((await table.getAttribute("aria-rowcount")) !== before, "there are fewer traces now");
  if (person.name === "mouse") await table.getByRole("row").nth(1).click({ position: { x: 6, y: 8 } });
  else {
    await person.reach(page.getByRole("button", { name: "Failed only" })); // out of the fields, which take letters
    await person.keys("j o");
  }
  await until(() => path(page).startsWith("/traces/"), "a trace opens");
  await settled(page);
  // The sentence above the waterfall names the span; the waterfall opens it.
  const [, name, took] = /Most time of its own: (.+?)(?: in [^ ]+)?, ([\d.]+\S+)\.$/.exec(await page.locator(".trace-words").innerText());
  const rows = page.getByRole("treegrid", { name: "Spans" }).getByRole("row");
  const index = (await rows.allInnerTexts()).findIndex((text) => text.includes(name));
  expect(index > 0, `the waterfall shows ${name}`);
  if (person.name === "mouse") await rows.nth(index).click();
  else {
    for (let i = 1; i < index; i++) await page.keyboard.press("j");
    await page.keyboard.press("o");
  }
  const drawer = page.getByRole("dialog", { name: `Span ${name}` });
  await drawer.waitFor();
  expect((await drawer.innerText()).includes(took), `${name} took ${took} of its own`);
}

async function searchLogs({ page, person }) {
  await page.goto("/logs?range=1h");
  await settled(page);
  const field = page.getByRole("combobox", { name: "Search and filter" });
  if (person.name === "keyboard") await page.keyboard.press("/");
  await person.write(field, "analysis");
  await page.keyboard.press("Enter");
  await until(() => params(page).get("q") === "analysis", "the text is in the address");
  await settled(page);
  if (person.name === "keyboard") await page.keyboard.press("Escape");
  const facet = page.getByRole("complementary").getByRole("button", { name: /^error|level.*error/i }).first();
  await person.press(facet);
  if (!params(page).has("where")) await person.press(page.getByRole("menuitem", { name: /= error/ }));
  await until(() => params(page).getAll("where").includes("level=error"), "the facet is a filter");
  await settled(page);
  const lines = page.getByRole("table").getByRole("row");
  await until(async () => (await lines.count()) > 1, "lines are found");
  if (person.name === "mouse") await lines.nth(1).click({ position: { x: 6, y: 8 } });
  else await person.keys("j o");
  const drawer = page.getByRole("dialog", { name: "Log line" });
  await drawer.waitFor();
  expect(/analysis/i.test(await drawer.innerText()), "the line holds the word");
  await person.act("Escape", drawer.getByRole("button", { name: "Close" }));
  await drawer.waitFor({ state: "detached" });
  if (person.name === "keyboard") await assertFocusBack(page, "the log line");
  await page.goBack();
  await drawer.waitFor(); // Back opens what was closed
}

async function metricZoom({ page, person }) {
  await page.goto("/metrics?range=15m");
  await settled(page);
  await page.locator(".cm-content").waitFor();
  const editor = page.getByRole("textbox", { name: "PromQL query" });
  if (person.name === "keyboard") await page.keyboard.press("/");
  await person.write(editor, "");
  await page.keyboard.type("http_requests_t");
  await page.getByRole("option", { name: /http_requests_total/ }).waitFor(); // names are completed
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("sum by (status) (rate(http_requests_total[1m]))");
  await page.keyboard.press("Escape"); // the list of completions, which would take Enter
  await page.keyboard.press("Enter");
  await until(() => (params(page).get("expr") ?? "").startsWith("sum by"), "the query is in the address");
  await settled(page);
  const chart = page.getByRole("figure").first();
  await chart.locator("canvas").waitFor();
  const points = chart.getByRole("slider");
  if (person.name === "mouse") {
    const box = await chart.locator(".u-over, canvas").first().boundingBox();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
  } else {
    await person.reach(points);
    await page.keyboard.press("End");
    for (let i = 0; i < 4; i++) await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Enter");
  }
  await until(() => params(page).has("from"), "dragging zooms the range of the page");
  await page.goBack();
  await until(() => params(page).get("range") === "15m", "Back widens again");
}

async function firingAlert({ page, person }) {
  await page.goto("/");
  await settled(page);
  await person.open("/alerts", page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Alerts" }), "g a");
  await settled(page);
  const name = main(page).getByText("HighErrorRate").first();
  await name.waitFor();
  expect(/firing/i.test(await main(page).innerText()), "it is said to fire");
  if (person.name === "mouse") await person.press(name);
  else {
    const rows = await main(page).getByRole("row").allInnerTexts();
    for (let i = 0; i < rows.findIndex((text) => text.includes("HighErrorRate")); i++) await page.keyboard.press("j");
    await page.keyboard.press("o");
  }
  const drawer = page.getByRole("dialog", { name: "Rule HighErrorRate" });
  await drawer.waitFor();
  await settled(page);
  expect(/firing/i.test(await drawer.innerText()) && (await drawer.innerText()).includes("of the requests of the last ten minutes failed"), "what fires, and its words");
  await person.press(drawer.getByRole("link", { name: "Open in Metrics" }));
  await at(page, "/metrics");
  await settled(page);
  expect(page.url().includes("http_requests_total"), "the expression is the query");
}

/** A token, its secret copied; a project's DSN copied; the theme; and out. */
async function keysThemeOut({ page, person }) {
  await page.goto("/settings/tokens");
  await settled(page);
  await person.write(page.getByLabel("Name"), `shipper ${person.name}`);
  await person.press(page.getByRole("button", { name: "Make the token" }));
  await page.getByText("Copy it now").waitFor();
  const secret = (await page.getByRole("status").locator("pre, code").first().innerText()).trim();
  await person.press(page.getByRole("status").getByRole("button", { name: /copy/i }));
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await until(async () => (await copied()) === secret, "the secret is in the clipboard");
  await person.press(page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Projects and keys" }));
  await settled(page);
  await person.press(page.getByRole("button", { name: "Copy the DSN" }));
  await until(async () => /^https?:\/\/[0-9a-f]+@.*\/\d+$/.test(await copied()), "the DSN is in the clipboard");
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  if (person.name === "mouse") {
    for (let i = 0; i < 3 && (await theme()) === before; i++) {
      await page.getByRole("button", { name: /Ada|Account/ }).click();
      await page.getByRole("menuitem", { name: /^Theme/ }).click();
    }
  } else {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("theme");
    await page.keyboard.press("Enter");
  }
  await until(async () => (await theme()) !== before, "the theme changes");
  await page.reload();
  await settled(page);
  expect((await theme()) !== before, "the theme is remembered");
  await person.press(page.getByRole("button", { name: /Ada|Account/ }));
  await person.press(page.getByRole("menuitem", { name: "Sign out" }));
  await at(page, "/sign-in");
  await page.goto("/issues");
  await at(page, "/sign-in");
}

export const TASKS = {
  "sign in": signIn,
  "find a service's errors from the overview": serviceErrors,
  "open an issue and read its stack trace": stackTrace,
  "resolve and undo": resolveAndUndo,
  "follow an issue to its trace and its log lines": follow,
  "find a slow trace and its slowest span": slowTrace,
  "search logs by text and facet and open a line": searchLogs,
  "query a metric and zoom": metricZoom,
  "see the firing alert and open its expression": firingAlert,
  "make a token, copy keys, switch theme, sign out": keysThemeOut,
};
/** These end or begin a session of their own. */
export const OWN_SESSION = new Set(["sign in", "make a token, copy keys, switch theme, sign out"]);

function task(name, run, Person) {
  return {
    name: `${name}, by ${Person === MousePerson ? "mouse" : "keyboard"}`,
    run: async (bench) => {
      const own = OWN_SESSION.has(name);
      const { context, page, watch } = await bench.open({ viewport: DESKTOP, signedIn: !own });
      watch.expected.push("status of 401");
      if (own && name !== "sign in") await bench.signInPage(page);
      await run({ page, watch, person: new Person(page), settings: bench.settings, data: bench.settings.data });
      watch.assertClean();
      await context.close();
    },
  };
}

/** Every chart says in words what it shows, and shows its data as a table. */
async function chartsInWords(bench) {
  const { context, page, watch } = await bench.open();
  const { data } = bench.settings;
  let charts = 0;
  for (const where of [`/issues/${data.issue}?range=1h`, "/logs?range=1h", "/traces?range=1h", `/metrics?range=15m&expr=${encodeURIComponent(data.query)}`]) {
    await page.goto(where);
    await settled(page);
    for (const figure of await main(page).getByRole("figure").all()) {
      charts++;
      const name = `${where}: ${(await figure.innerText()).slice(0, 60)}`;
      const words = await figure.evaluate((f) => [...[...f.querySelectorAll(".hear-only")].map((e) => e.textContent), ...[...f.querySelectorAll("[role=img], [role=slider]")].map((e) => e.getAttribute("aria-label") ?? "")]);
      expect(words.some((w) => /\d/.test(w) && w.length > 20), `${name}: no summary in words`);
      const beside = await figure.evaluate((f) => document.getElementById(f.getAttribute("aria-details") ?? "")?.getAttribute("role"));
      if (beside === "table") continue; // the page's own table, which the figure names
      await figure.getByRole("button", { name: /^(View as table|Table)$/ }).first().click();
      await until(async () => (await figure.getByRole("row").count()) > 1, `${name}: a table with rows`);
    }
    for (const canvas of await main(page).locator("canvas").all()) {
      expect(await canvas.evaluate((c) => Boolean(c.closest("figure, [role=img], [aria-hidden=true]"))), `${where}: a canvas outside a figure says nothing`);
    }
  }
  expect(charts >= 3, `${charts} charts were found`);
  watch.assertClean();
  await context.close();
}

/** Whatever opens over the page gives the focus back when Escape closes it. */
async function focusComesBack(bench) {
  const { context, page, watch } = await bench.open();
  const { data } = bench.settings;
  const person = new KeyboardPerson(page);
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  const anchors = [
    ["the menu of time ranges", page.getByRole("button", { name: /^Last/ })],
    ["a value's menu", main(page).locator("button.value").first()],
    ["what else happened here", main(page).getByRole("button", { name: "What else happened here" }).first()],
    ["the account's menu", page.getByRole("button", { name: /Ada|Account/ })],
  ];
  for (const [what, anchor] of anchors) {
    await person.reach(anchor);
    if ((await anchor.getAttribute("aria-haspopup")) === "menu") {
      // What opens has the focus before the next key can come: a quick hand is not taken back to the first line later.
      const at = await page.evaluate(async () => {
        const before = document.activeElement;
        before.click();
        await new Promise((done) => setTimeout(done));
        return document.activeElement === before ? "" : document.activeElement.outerHTML.slice(0, 120);
      });
      expect(at !== "", `the focus goes into ${what} at once`);
    } else await page.keyboard.press("Enter");
    await page.locator(":popover-open, [role=dialog]:visible").first().waitFor();
    await settled(page);
    await page.keyboard.press("Escape");
    await until(async () => (await page.locator(":popover-open, .drawer").count()) === 0, `Escape closes ${what}`);
    await until(() => anchor.evaluate((e) => e === document.activeElement), `the focus comes back after ${what}`);
  }
  await anchors[1][1].focus();
  for (const key of ["Control+k", "?"]) {
    await page.keyboard.press(key);
    await page.locator("dialog[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    expect(await anchors[1][1].evaluate((e) => e === document.activeElement), `the focus comes back after ${key}`);
  }
  watch.assertClean();
  await context.close();
}

async function motion(bench) {
  const { context, page } = await bench.open({ reducedMotion: "reduce" });
  for (const where of ["/?range=15m", "/issues?range=24h", "/logs?range=1h", "/kit"]) {
    await page.goto(where);
    await settled(page);
    const moving = await page.evaluate(() => document.getAnimations().filter((a) => a.playState === "running" && (a.effect?.getComputedTiming().duration ?? 0) > 1).map((a) => a.effect?.target?.outerHTML.slice(0, 100)));
    expect(moving.length === 0, `${where}: still moves: ${moving.join(", ")}`);
  }
  await context.close();
}

/** On call with a phone: from the list to the stack, nothing wider than the screen, every target big enough to hit. */
async function phone(bench) {
  const { context, page, watch } = await bench.open({ viewport: PHONE });
  const { data } = bench.settings;
  for (const where of ["/?range=15m", "/issues?range=24h", `/issues/${data.issue}`, "/logs?range=1h", "/traces?range=1h", `/traces/${data.trace}`, "/metrics", "/alerts", "/settings/projects"]) {
    await page.goto(where);
    await settled(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide <= 1, `${where}: ${wide} px wider than the phone`);
  }
  await page.goto("/issues?range=24h");
  await page.getByRole("link", { name: /ZeroDivisionError/ }).first().tap();
  await at(page, `/issues/${data.issue}`);
  await page.getByRole("region", { name: /^Source of/ }).first().waitFor();
  watch.assertClean();
  await context.close();
}

/** Every page asks for each thing once: what was asked for before its code was there is what the page wants. */
async function askedOnce(bench) {
  const { context, page, watch } = await bench.open();
  const { data } = bench.settings;
  const asked = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    // `limit=1` asks whether there is anything at all, where a list is empty.
    if (request.method() === "GET" && url.pathname.startsWith("/api/") && url.searchParams.get("limit") !== "1") asked.push(url.pathname + (/query_(range|exemplars)$/.test(url.pathname) ? url.searchParams.get("query") : /status\/tsdb$/.test(url.pathname) ? url.searchParams.get("start") : ""));
  });
  const filters = "where=level%3Derror&where=service%3Dstockapp&q=analysis&range=30m";
  const wheres = [
    "/", "/?range=6h&project=1", "/issues?range=24h", `/issues?status=all&sort=events&${filters}`, `/issues/${data.issue}?range=24h`, `/logs?range=1h`,
    `/logs?order=oldest&${filters}`, "/logs?from=2026-01-31T10:00:00.000Z&to=2026-01-31T11:00:00.000Z", "/traces?range=1h", `/traces?min=1ms&max=1.5s&failed=1&${filters}`,
    `/traces/${data.trace}`, `/metrics?range=15m&expr=${encodeURIComponent(data.query)}&expr=up`, "/alerts", "/alerts?tab=targets",
    "/metrics?range=15m&tab=cardinality",
  ];
  for (const where of wheres) {
    asked.length = 0;
    await page.goto(where);
    await settled(page);
    const twice = asked.filter((path, i) => asked.indexOf(path) !== i);
    expect(twice.length === 0, `${where} asks twice for ${twice.join(", ")}`);
    expect(asked.length > 0, `${where} asks for nothing`);
    expect(!asked.includes("/api/telltale/v1/auth/session"), `${where}: the page was told who is signed in`);
  }
  watch.assertClean();
  await context.close();
}

/** What opens by a click on a row is a link, too: a new tab shows the same. */
async function rowsAreLinks(bench) {
  const { context, page, watch } = await bench.open();
  for (const [where, table, dialog] of [["/logs?range=1h", "Log lines", "Log line"], ["/alerts", "Rules", /^Rule /], ["/alerts?tab=targets", "Targets", /^Target/]]) {
    await page.goto(where);
    await settled(page);
    const link = page.getByRole("table", { name: table }).getByRole("row").nth(1).getByRole("link").first();
    const [tab] = await Promise.all([context.waitForEvent("page"), link.click({ modifiers: ["ControlOrMeta"] })]);
    await tab.getByRole("dialog", { name: dialog }).waitFor();
    await tab.close();
    expect((await page.getByRole("dialog").count()) === 0, `${where}: nothing opened here`);
    await link.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: dialog }).waitFor();
  }
  watch.assertClean();
  await context.close();
}

/** An issue's bars by keyboard: read, marked, zoomed into, and Back again. */
async function barsByKeyboard(bench) {
  const { context, page, watch } = await bench.open();
  await page.goto(`/issues/${bench.settings.data.issue}?range=24h`);
  await settled(page);
  const person = new KeyboardPerson(page);
  const bars = page.locator(".bars-plot");
  await person.reach(bars);
  await page.keyboard.press("End");
  await until(async () => /\d{4}-\d\d-\d\d \d\d:\d\d: /.test(await bars.getAttribute("aria-valuetext")), "the bar is read out");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Enter");
  await until(() => params(page).has("from"), "Enter zooms");
  const hours = (Date.parse(params(page).get("to")) - Date.parse(params(page).get("from"))) / 3600e3;
  expect(hours === 3, `three bars of an hour are shown, not ${hours}`);
  await page.goBack();
  await until(() => params(page).get("range") === "24h", "Back widens again");
  watch.assertClean();
  await context.close();
}

export function scenarios() {
  return [
    ...Object.entries(TASKS).flatMap(([name, run]) => [task(name, run, MousePerson), task(name, run, KeyboardPerson)]),
    { name: "every chart in words and as a table", run: chartsInWords },
    { name: "the focus comes back", run: focusComesBack },
    { name: "everything is asked for once", run: askedOnce },
    { name: "rows are links", run: rowsAreLinks },
    { name: "an issue's bars by keyboard", run: barsByKeyboard },
    { name: "less motion", run: motion },
    { name: "on a phone", run: phone },
  ];
}
