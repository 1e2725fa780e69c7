// Every page, with an attacker's text in every field of every signal (tests/e2e/hostile.py plants it): nothing runs,
// nothing becomes markup, no link leads to a script, the policy is never violated, and the page still fits its window.
// A field only counts when its text was read on a page: MUST_BE_SEEN keeps this suite from passing over empty pages.
import { DESKTOP, expect, PHONE, settled, until } from "./harness.mjs";
import { assertSound, inspect, unfold } from "./inspect.mjs";

const API = "/api/telltale/v1/";
const DATA = ["image", "script", "quotes", "comment", "link", "data", "template", "reverse", "prototype", "shell", "emoji", "long"];
const WICKED = '<img data-bait src=x onerror="__ran(10)">';

async function visit(page, path, seen) {
  await page.goto(path);
  await settled(page);
  await unfold(page);
  await settled(page);
  for (const name of await assertSound(page, path)) seen.add(name);
}

/** The API as the page has it: rows of a path. */
const ask = (page, path) =>
  page.evaluate(async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }, path.startsWith("/") ? path : API + path);

function mustSee(seen, fields) {
  const missing = fields.filter((f) => !seen.has(`zz-${f}-zz`));
  expect(missing.length === 0, `planted text that no page showed: ${missing.join(", ")}`);
}

/** One scenario: a context, pages visited in it, and at the end nothing noted by the watch. */
function scenario(name, steps, options = {}) {
  return {
    name,
    run: async (bench) => {
      const { context, page, watch } = await bench.open(options);
      const seen = new Set();
      await page.goto("/kit");
      await steps({ page, watch, seen, visit: (path) => visit(page, path, seen) });
      watch.assertClean();
      await context.close();
    },
  };
}

/** A page of this suite's own that does everything wrong: were the watch blind, all the rest would prove nothing. */
async function trap(bench) {
  const { context, page, watch } = await bench.open({ signedIn: false });
  const body = `<!doctype html><main><img data-bait src="/x" onerror="__ran(1)"><a href="javascript:__ran(2)">zz-trap-zz</a><script src="http://127.0.0.1:1/x.js"></script></main>`;
  const serve = (path, headers) => page.route(`**${path}`, (route) => route.fulfill({ body, headers: { "Content-Type": "text/html", ...headers } }));
  await serve("/trap", {});
  await serve("/trap-with-policy", { "Content-Security-Policy": "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'" });
  await page.goto("/trap");
  await until(() => watch.ran.length > 0, "the script to be noted");
  const { problems, seen } = await inspect(page);
  for (const kind of ["became an element", "handler in markup", "link with javascript:", "script from elsewhere"]) expect(problems.some((p) => p.includes(kind)), `${kind} is not noticed`);
  expect(seen.join() === "zz-trap-zz" && watch.foreign.length > 0 && watch.violations.length === 0, "what the trap shows and asks for is not noticed");
  await page.goto("/trap-with-policy");
  await until(() => watch.violations.length > 0, "the violation to be noted");
  let message = "";
  try {
    watch.assertClean();
  } catch (error) {
    message = error.message;
  }
  for (const kind of ["policy violated", "a script from data ran", "request to another host"]) expect(message.includes(kind), `${kind} is not told`);
  await context.close();
}

async function issues({ page, seen, visit }) {
  await visit("/issues?range=7d&status=all");
  const list = (await ask(page, "issues?limit=100")).issues;
  expect(list.length >= DATA.length, `${list.length} issues of ${DATA.length} planted`);
  for (const issue of list) await visit(`/issues/${issue.id}`);
  mustSee(seen, ["type", "value", "filename", "function", "context_line", "pre_context", "var", "var-name", "tag", "tag-name", "crumb", "crumb-category",
    "crumb-data", "url", "method", "query_string", "body", "header", "header-value", "user-email", "os", "context", "context-key", "extra", "release",
    "environment", "cause-type", "cause-value", "transaction"]);
}

/** Opens the rows of a table one after the other, as j and o do, and reads what they open. Answers how many opened. */
async function openRows(page, seen, path, count) {
  await page.goto(path);
  await settled(page);
  for (let i = 0; i < count; i++) {
    const before = page.url();
    await page.keyboard.press("j");
    await page.keyboard.press("o");
    await settled(page);
    if (page.url() === before) return i; // there is no further row
    await unfold(page);
    for (const name of await assertSound(page, `${path}, row ${i + 1} open`)) seen.add(name);
  }
  return count;
}

async function logs({ page, seen, visit }) {
  await visit("/logs?range=1h");
  const rows = (await ask(page, "logs?limit=1000")).rows.length;
  expect(rows >= DATA.length * 5, `${rows} log lines of ${DATA.length * 5} planted`);
  const opened = await openRows(page, seen, "/logs?range=1h", 12);
  expect(opened === 12, `${opened} lines opened`);
  for (const text of ["zz-otlp-body-zz", "zz-json-message-zz", "zz-other-line-zz"]) await openRows(page, seen, `/logs?range=1h&q=${text}`, 12);
  mustSee(seen, ["line", "otlp-body", "body-value", "loki-service", "loki-label", "json-message", "json-value", "log-value", "metadata"]);
}

async function traces({ page, seen, visit }) {
  await visit("/traces?range=1h");
  const spans = (await ask(page, "spans?limit=100")).rows;
  const ids = [...new Set(spans.map((s) => s.trace_id))];
  expect(ids.length >= DATA.length, `${ids.length} traces of ${DATA.length} planted`);
  for (const id of ids) {
    for (const span of spans.filter((s) => s.trace_id === id)) await visit(`/traces/${id}?span=${span.span_id}`);
  }
  mustSee(seen, ["root-span", "child-span", "otlp-service", "root-span-value", "root-span-key"]);
}

async function metrics({ page, watch, seen, visit }) {
  watch.expected.push("status of 400"); // the last of these is no query
  for (const query of ["hostile_total", "sum by (path, service) (rate(hostile_total[1m]))", `label_replace(hostile_total, "x", "${"y".repeat(300)}", "", "")`, WICKED]) {
    await visit(`/metrics?range=15m&expr=${encodeURIComponent(query)}`);
  }
  await visit("/metrics?range=15m&tab=cardinality");
  mustSee(seen, ["metric-label"]);
}

async function alerts({ page, seen, visit }) {
  await visit("/alerts");
  const firing = (await ask(page, "/api/v1/alerts")).data.alerts;
  expect(firing.length >= DATA.length, `${firing.length} alerts of ${DATA.length} planted`);
  const opened = await openRows(page, seen, "/alerts", DATA.length);
  expect(opened === DATA.length, `${opened} rules opened`);
  mustSee(seen, ["summary", "metric-label"]);
}

async function rest({ page, seen, visit }) {
  await visit("/?range=1h");
  await visit("/kit");
  for (const part of ["projects", "send", "tokens", "users", "storage", "account", "appearance"]) await visit(`/settings/${part}`);
  mustSee(seen, ["project-name", "user-name", "token-name"]);
}

/** Around a moment, where every signal meets; and what ⌘K finds and remembers. */
async function overlays({ page, seen }) {
  const [row] = (await ask(page, "errors?limit=1")).rows;
  await page.goto(`/issues?around=${encodeURIComponent(row.time)}&aminutes=30`);
  await page.getByRole("dialog", { name: "What else happened here" }).waitFor();
  await settled(page);
  for (const name of await assertSound(page, "what else happened here")) seen.add(name);
  mustSee(seen, ["line", "type"]);
  const issues = (await ask(page, "issues?limit=100")).issues;
  for (const issue of issues.slice(0, 12)) {
    await page.goto(`/issues/${issue.id}`);
    await settled(page);
  }
  for (const text of ["", "zz", WICKED, "javascript:__ran(11)", "__proto__"]) {
    await page.keyboard.press("Control+k");
    const field = page.getByRole("dialog").getByRole("combobox");
    await field.fill(text);
    await page.waitForTimeout(400); // the palette asks the server when typing pauses
    for (const name of await assertSound(page, `⌘K with ${text}`)) seen.add(name);
    await page.keyboard.press("Escape");
  }
}

/** The address is an attacker's, too: whoever follows a link of theirs is here. */
async function addresses({ page, watch, visit }) {
  const wicked = encodeURIComponent(WICKED);
  watch.expected.push("status of 400", "status of 404", "status of 422");
  for (const path of ["/", "/issues", "/logs", "/traces", "/metrics", "/alerts"]) {
    await visit(`${path}?q=${wicked}&where=${wicked}%3D${wicked}&range=${wicked}&project=${wicked}&sort=${wicked}&status=${wicked}`);
    await visit(`${path}?from=${wicked}&to=javascript:__ran(12)&query=${wicked}&expr=${wicked}&span=${wicked}&around=${wicked}&aservice=${wicked}&aminutes=-1`);
  }
  for (const path of [`/issues/${wicked}`, `/traces/${wicked}`, `/settings/${wicked}`, `/${wicked}`, `/issues/__proto__`, "/constructor"]) await visit(path);
}

async function wayBack({ page, watch }) {
  for (const next of ["javascript:__ran(13)", "//example.org/", "/\\example.org", "https://example.org/", "data:text/html,<script>__ran(14)</script>"]) {
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByLabel("E-mail").fill(watch.settings.email);
    await page.getByLabel("Password").fill(watch.settings.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => url.pathname !== "/sign-in");
    expect(new URL(page.url()).origin === watch.origin && new URL(page.url()).pathname === "/", `next=${next} led to ${page.url()}`);
    await page.context().clearCookies();
  }
}

export function scenarios(settings) {
  return [
    { name: "the watch sees what it must", run: trap },
    scenario("issues", issues),
    scenario("logs", logs),
    scenario("traces", traces),
    scenario("metrics", metrics),
    scenario("alerts", alerts),
    scenario("overview and settings", rest),
    scenario("drawer and palette", overlays),
    scenario("addresses", addresses),
    scenario("issues on a phone", ({ visit }) => visit("/issues?range=7d&status=all"), { viewport: PHONE }),
    scenario("logs on a phone", ({ visit }) => visit("/logs?range=1h"), { viewport: PHONE }),
    {
      name: "the way back after signing in",
      run: async (bench) => {
        const { context, page, watch } = await bench.open({ viewport: DESKTOP, signedIn: false });
        watch.settings = settings;
        watch.expected.push("status of 401");
        await wayBack({ page, watch });
        watch.assertClean();
        await context.close();
      },
    },
  ];
}
