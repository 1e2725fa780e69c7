// The search language in the fields of Issues and Traces, by mouse and by keyboard: keys and values are offered, what is
// wrong is said where it is, the address has it all, and a search can be kept.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DESKTOP, expect, PHONE, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";

const params = (page) => new URL(page.url()).searchParams;
const field = (page) => page.getByRole("combobox", { name: "Search and filter" });
const option = (page, name) => page.getByRole("option", { name });
const rows = (page, table) => page.getByRole("table", { name: table }).getByRole("row");

/** Takes an offered completion. */
async function take({ page, person }, name) {
  await option(page, name).first().waitFor();
  if (person.name === "mouse") {
    await option(page, name).first().click();
    return;
  }
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("ArrowDown");
    const active = await field(page).getAttribute("aria-activedescendant");
    const text = active && (await page.locator(`[id="${active}"]`).innerText());
    if (text && name.test(text)) break;
  }
  await page.keyboard.press("Enter");
}

async function type({ page, person }, text) {
  if (person.name === "mouse") await field(page).click();
  else await person.reach(field(page));
  await page.keyboard.type(text);
}

async function issues(p) {
  const { page, data, watch } = p;
  watch.expected.push("status of 400");
  await page.goto("/issues?range=24h&status=all");
  await settled(page);
  const all = (await rows(page, "Issues").count()) - 1;
  await type(p, "error.t");
  await take(p, /^error\.type/);
  expect((await field(page).inputValue()) === "error.type:", "the key waits for a value");
  await take(p, /^ZeroDivisionError/);
  expect((await field(page).inputValue()) === "error.type:ZeroDivisionError ", "the value stands behind it");
  await page.keyboard.press("Enter");
  await until(() => params(page).get("q") === "error.type:ZeroDivisionError", "the query is in the address");
  await settled(page);
  await page.getByRole("link", { name: data.title }).first().waitFor();
  const some = (await rows(page, "Issues").count()) - 1;
  expect(some >= 1 && some < all, `${some} of ${all} issues are left`);
  // What is wrong is said at its place; nothing is lost.
  await field(page).focus();
  await page.keyboard.press("End");
  await page.keyboard.type(" times_seen:>many");
  await page.keyboard.press("Enter");
  const said = page.getByRole("search").getByRole("alert");
  await said.waitFor();
  expect((await said.innerText()).includes("times_seen: wants a number, not many"), `what is wrong: ${await said.innerText()}`);
  expect((await field(page).getAttribute("aria-invalid")) === "true", "the field is marked");
  await page.goBack();
  await settled(page);
  expect((await field(page).inputValue()) === "error.type:ZeroDivisionError", "Back brings the query that could be read");
  expect((await said.count()) === 0, "and nothing is wrong any more");
}

async function frames(p) {
  const { page, data } = p;
  await page.goto(`/issues?range=24h&status=all&q=${encodeURIComponent("stack.function:* !type:ValueError")}`);
  await settled(page);
  await page.getByRole("link", { name: data.title }).first().waitFor();
  await page.goto(`/issues?range=24h&status=all&where=${encodeURIComponent("level=fatal")}`);
  await settled(page);
  await page.getByText(/^No\s+issue/).first().waitFor();
}

async function traces(p) {
  const { page, watch } = p;
  watch.expected.push("status of 400");
  await page.goto("/traces?range=1h");
  await settled(page);
  await type(p, "serv");
  await take(p, /^service/);
  await take(p, /^stockapp/);
  await page.keyboard.type("has:error");
  await page.keyboard.press("Enter");
  await until(() => params(page).get("q") === "service:stockapp has:error", "the query is in the address");
  await settled(page);
  expect((await rows(page, "Traces").count()) > 1, "failed traces are listed");
  const failed = await page.getByRole("main").locator(".trace-root").evaluateAll((links) => links.every((a) => a.textContent.includes("✕")));
  expect(failed, "all of them failed");
  await page.goto(`/traces?range=1h&q=${encodeURIComponent("duration:>soon")}`);
  const said = page.getByRole("search").getByRole("alert");
  await said.waitFor();
  const text = await said.innerText();
  expect(/Character 11/.test(text) && text.includes("a duration such as"), text);
  if (p.person.name === "mouse") {
    await said.click();
    expect((await field(page).evaluate((e) => e.selectionStart)) === 10, "a click goes to the place");
  }
}

async function keep({ page, person }) {
  const name = `unhandled, ${person.name}`;
  await page.goto(`/issues?range=24h&q=${encodeURIComponent("is:new level:error")}`);
  await settled(page);
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.write(page.getByLabel("Name of the search"), name);
  await person.press(page.getByRole("button", { name: "Save", exact: true }));
  await page.getByRole("button", { name, exact: true }).waitFor();
  await page.goto("/issues?range=1h");
  await settled(page);
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.press(page.getByRole("button", { name, exact: true }));
  await until(() => params(page).get("q") === "is:new level:error" && params(page).get("range") === "24h", "the search is open again");
  await settled(page);
  expect((await field(page).inputValue()) === "is:new level:error", "the field has it");
  await person.press(page.getByRole("button", { name: "Saved searches" }));
  await person.press(page.getByRole("button", { name: `Remove ${name}` }));
  await page.getByRole("button", { name, exact: true }).waitFor({ state: "detached" });
}

const AXE = readFileSync(fileURLToPath(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");
/** The open list and the error, judged by axe and kept as pictures in both themes and on a phone. */
async function looks(bench, out) {
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      const { context, page, watch } = await bench.open({ theme, viewport, bypassCSP: true, reducedMotion: "reduce" });
      watch.expected.push("status of 400");
      for (const [what, path, prepare] of [
        ["keys", "/issues?range=24h", async () => field(page).click()],
        ["wrong", `/issues?range=24h&q=${encodeURIComponent("is:new level:[error,loud]")}`, async () => page.getByRole("search").getByRole("alert").waitFor()],
        ["traces", `/traces?range=1h&q=${encodeURIComponent("duration:>soon")}`, async () => page.getByRole("search").getByRole("alert").waitFor()],
      ]) {
        await page.goto(path);
        await settled(page);
        await prepare();
        if (what === "keys") await option(page, /^is/).first().waitFor();
        await page.waitForTimeout(150);
        if (out) await page.screenshot({ path: `${out}/search-${what}-${theme}-${size}.png` });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        expect(!wide, `${what}, ${theme}, ${size}: nothing sticks out at the side`);
        await page.evaluate(AXE);
        const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
        expect(found.violations.length === 0, `${what}, ${theme}, ${size}: ${found.violations.map((v) => `${v.id} at ${v.nodes.map((n) => n.target).join(" ")}`).join("; ")}`);
      }
      await context.close();
    }
  }
}

export const scenarios = (settings) => [
  ...byMouseAndKeyboard({ "search issues with offered keys and values": issues, "search stack traces": frames, "search traces": traces, "keep a search for issues": keep }),
  { name: "the field looks right, and axe says so", run: (bench) => looks(bench, settings.out) },
];
