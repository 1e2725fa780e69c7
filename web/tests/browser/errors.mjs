// What is one issue, on the example application's errors, by mouse and by keyboard: why an event is where it is, and a
// project's own rules, tried before they hold.
import { expect, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";

async function reasons({ page, person, data }) {
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  const section = page.getByRole("region", { name: "Grouping" });
  await person.press(section.locator("summary"));
  const app = section.getByRole("listitem");
  await until(async () => (await app.count()) > 2, "the parts are listed");
  const text = await section.innerText();
  expect(text.includes("Exceptions and the application's frames") && text.includes("this issue"), "the reading that decides is named");
  expect(text.includes("not the application's own"), "what was left out says why");
}

async function rules({ page, person, watch }) {
  watch.expected.push("status of 400");
  await page.goto("/settings/grouping");
  await settled(page);
  const field = page.getByRole("textbox", { name: "Fingerprint rules" });
  await person.write(field, "error.type:ZeroDivisionError");
  await person.press(page.getByRole("button", { name: "Preview" }));
  await page.getByRole("alert").filter({ hasText: "line 1: no -> between matchers and values" }).waitFor();
  expect((await field.getAttribute("aria-invalid")) === "true", "the field is marked");
  await person.write(field, "error.type:ZeroDivisionError -> by-hand {{ transaction }}");
  await person.press(page.getByRole("button", { name: "Preview" }));
  const preview = page.getByRole("region", { name: "Preview" });
  await preview.waitFor();
  const text = await preview.innerText();
  expect(/would go elsewhere/.test(text) && /New issue 1/.test(text) && /ZeroDivisionError/.test(text), "where the events would go");
  await person.press(page.getByRole("button", { name: "Save" }));
  await page.getByText("The rules hold from the next event on.").first().waitFor();
  await page.reload();
  await settled(page);
  expect((await field.inputValue()).includes("by-hand"), "they are kept");
  await person.write(field, "# none");
  await person.press(page.getByRole("button", { name: "Save" }));
  await until(async () => page.getByRole("button", { name: "Save" }).isDisabled(), "nothing is left to save");
}

/** Files that came with the event and the commit that touched its file; a fix by commit is awaited. */
async function filesAndCommits({ page, person, data }) {
  await page.goto(`/issues/${data.issue}?event=${data.filed}`);
  await settled(page);
  const suspects = page.getByRole("region", { name: "Suspect commits" });
  await suspects.waitFor();
  expect((await suspects.innerText()).includes("Mean score of the headlines"), "the commit that touched the file");
  const files = page.getByRole("region", { name: "Attachments" });
  await until(async () => {
    await page.mouse.wheel(0, 2000);
    return (await files.count()) === 1;
  }, "the attachments are shown");
  const picture = files.getByRole("img", { name: "screen.png" });
  await picture.scrollIntoViewIfNeeded();
  await until(async () => picture.evaluate((img) => img.complete && img.naturalWidth === 320), "the picture is shown");
  await person.press(files.getByRole("listitem").filter({ hasText: "app.log" }).getByRole("button", { name: "Show" }));
  await files.getByText("attempt 39").waitFor();
  const link = files.getByRole("link", { name: "core.bin" });
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  expect(download.suggestedFilename() === "core.bin", "the rest is handed out");
}

/** What else the request did, the event as it is kept, issues like it; and a key that makes it one's own. */
async function sameRequest({ page, person, data }) {
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  await page.getByText("Recommended", { exact: true }).waitFor();
  const lines = page.getByRole("region", { name: "Log lines of the same request" });
  await until(async () => {
    await page.mouse.wheel(0, 2000);
    return (await lines.count()) === 1;
  }, "the lines of the request are shown");
  expect(await page.evaluate(() => document.documentElement.scrollHeight <= window.innerHeight), "the page scrolls, the frame around it does not");
  expect((await lines.getByRole("listitem").filter({ hasText: "this error" }).count()) === 1, "the error stands among them");
  const trace = page.getByRole("region", { name: "Trace", exact: true });
  expect((await trace.getByRole("listitem").count()) > 0, "spans of the trace");
  const raw = page.getByRole("region", { name: "Raw JSON", exact: true }).first();
  await person.press(raw.locator("summary"));
  await raw.getByText('"exception"').first().waitFor();
  const similar = page.getByRole("region", { name: "Similar issues" });
  await person.press(similar.locator("summary"));
  await until(async () => (await similar.getByText("None.").count()) + (await similar.getByRole("listitem").count()) > 0, "similar issues are looked for");
  await page.keyboard.press("a");
  const assigned = page.locator(".issue-actions").getByRole("button", { name: "ada@example.com" });
  await assigned.waitFor();
  await page.getByText(/: assigned to ada@example\.com\./).first().waitFor();
  await page.keyboard.press("a");
  await page.getByText(/: nobody is assigned\./).first().waitFor();
  await assigned.waitFor({ state: "detached" });
  await person.press(trace.getByRole("link", { name: "Open the trace" }));
  await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
}

const LISTED = "/issues?range=30d";

/** The first two issues of the list become one, which says so and gives the other back. */
async function mergeAndTakeOut({ page, person }) {
  await page.goto(LISTED);
  await settled(page);
  const boxes = page.getByRole("checkbox", { name: /^Select [A-Z]/ });
  await until(async () => (await boxes.count()) >= 2, "two issues are listed");
  const rows = await boxes.count();
  const ids = await Promise.all([0, 1].map(async (i) => (await boxes.nth(i).getAttribute("aria-label")).slice("Select ".length)));
  if (person.name === "mouse") for (const i of [0, 1]) await boxes.nth(i).click();
  else await person.keys("j x j x");
  const bar = page.getByRole("toolbar", { name: "Change the selected issues" });
  await bar.getByText("2 issues").waitFor();
  await person.press(bar.getByRole("button", { name: "Merge" }));
  const said = page.getByText(/^2 issues are \S+ now\.$/);
  await said.waitFor();
  const [, into] = /are (\S+) now/.exec(await said.innerText());
  await until(async () => (await boxes.count()) === rows - 1, "one of the two is gone from the list");
  const gone = ids.find((id) => id !== into);
  await page.goto(`/issues/${gone}`);
  await settled(page);
  await page.getByRole("navigation", { name: "Where this is" }).getByText(into).waitFor();
  const parts = page.getByRole("region", { name: "Merged issues" });
  await parts.getByText(gone).waitFor();
  await person.press(parts.getByRole("button", { name: "Take out" }));
  await page.getByText(`${gone} is an issue of its own.`).waitFor();
  await until(async () => (await parts.getByText(gone).count()) === 0, "it is no longer among the parts");
  await page.goto(LISTED);
  await until(async () => (await boxes.count()) === rows, "both are listed again");
}

async function talkAndDecide({ page, person, data }) {
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  const activity = page.getByRole("region", { name: "Activity" });
  const text = `Seen by ${person.name}: the price is zero.`;
  await person.write(activity.getByRole("textbox", { name: "Comment" }), text);
  await person.press(activity.getByRole("button", { name: "Comment", exact: true }));
  await activity.getByText(text).waitFor();
  await person.press(activity.getByRole("button", { name: "Change the comment" }));
  await person.write(activity.getByRole("textbox", { name: "Change the comment" }), `${text} Always.`);
  await person.press(activity.getByRole("button", { name: "Save" }));
  await activity.getByText(`${text} Always.`).waitFor();
  await person.press(activity.getByRole("button", { name: "Remove the comment" }));
  await until(async () => (await activity.getByText(text).count()) === 0, "the comment is gone");

  await person.press(page.getByRole("button", { name: "Archive", exact: true }));
  await person.press(page.getByRole("menuitem", { name: "Until it escalates" }));
  await page.getByText("until it escalates", { exact: true }).waitFor();
  await activity.getByText("archived it until it escalates").first().waitFor();
  await person.press(page.getByRole("button", { name: "Reopen" }));
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();

  const star = page.getByRole("button", { name: "Bookmark", exact: true });
  await person.act("b", star);
  const starred = page.getByRole("button", { name: "Remove the bookmark" });
  await starred.waitFor();
  await page.goto("/issues?status=bookmarked&range=30d");
  await settled(page);
  expect((await page.getByText("Bookmarked:").count()) === 1, "the list of bookmarks has it");
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  await starred.waitFor();
  await person.act("b", starred);
  await star.waitFor();
}

async function owners({ page, person, watch }) {
  watch.expected.push("status of 400");
  await page.goto("/settings/ownership");
  await settled(page);
  const field = page.getByRole("textbox", { name: "Ownership rules" });
  await person.write(field, "path:**/cart/**");
  await person.press(page.getByRole("button", { name: "Save" }));
  await page.getByRole("alert").filter({ hasText: "line 1: no owner behind the pattern" }).waitFor();
  await person.write(field, "path:**/cart/** cart@example.com");
  await person.press(page.getByRole("button", { name: "Save" }));
  await page.getByText("The owners hold for new issues.").first().waitFor();
  await page.reload();
  await settled(page);
  expect((await field.inputValue()).includes("cart@example.com"), "they are kept");
  await person.write(field, "# none");
  await person.press(page.getByRole("button", { name: "Save" }));
  await until(async () => page.getByRole("button", { name: "Save" }).isDisabled(), "nothing is left to save");
}

async function issueAlerts({ page, person, watch }) {
  watch.expected.push("status of 400");
  const name = `Fatal ones ${person.name}`;
  await page.goto("/settings/issue-alerts");
  await settled(page);
  const list = page.getByRole("list", { name: "Issue alerts" });
  await list.getByText("Every issue").waitFor();
  await person.press(page.getByRole("button", { name: "Add a rule" }));
  const form = page.getByRole("dialog", { name: "Add a rule" });
  await person.write(form.getByLabel("Name"), name);
  await person.write(form.getByLabel("Only issues that match"), "level:");
  await person.press(form.getByRole("button", { name: "Save" }));
  await form.getByRole("alert").waitFor();
  await person.write(form.getByLabel("Only issues that match"), "level:fatal");
  await person.press(form.getByLabel("Issues with many events"));
  await person.press(form.getByRole("button", { name: "Save" }));
  await form.waitFor({ state: "detached" });
  const entry = list.getByRole("listitem").filter({ hasText: name });
  await entry.getByText("more than 100 events in 1h").waitFor();
  await entry.getByText("level:fatal").waitFor();
  await person.press(entry.getByRole("button", { name: `Pause ${name}` }));
  await entry.getByText("paused", { exact: true }).waitFor();
  await page.reload();
  await settled(page);
  await entry.getByText("paused", { exact: true }).waitFor();
  await person.press(entry.getByRole("button", { name: `Remove ${name}` }));
  await entry.waitFor({ state: "detached" });
  await list.getByText("Every issue").waitFor();
}

/** A page whose policy forbids its own script: the browser itself says so to the server. */
async function policyReport(bench) {
  const { context, page } = await bench.open();
  const ask = async (path) => (await page.request.get(`/api/telltale/v1/${path}`)).json();
  const [key] = (await ask("projects/1/keys")).keys;
  const report = `${bench.origin}/api/1/security/?sentry_key=${key.public_key}&sentry_release=shop@9`;
  await page.route("**/forbids-scripts", (route) =>
    route.fulfill({
      body: "<!doctype html><main>shop<script>run()</script></main>",
      headers: { "Content-Type": "text/html", "Content-Security-Policy": `script-src 'self'; report-uri ${report}` },
    }),
  );
  await page.goto("/forbids-scripts");
  let found = null;
  await until(async () => (found = (await ask("issues?query=Blocked")).issues[0]), "the report is an issue");
  expect(found.title === "Blocked inline 'script'" && found.culprit === "script-src-elem" && found.last_release === "shop@9", `the issue says what was blocked: ${JSON.stringify(found)}`);
  await page.goto(`/issues/${found.id}`);
  await settled(page);
  const text = await page.getByRole("main").innerText();
  expect(text.includes("csp") && text.includes("forbids-scripts") && text.includes("effective-directive"), "the page shows the report");
  await context.close();
}

export const scenarios = () => [
  ...byMouseAndKeyboard({ "see why an event is in its issue": reasons, "see its files and the commit behind it": filesAndCommits, "see what else its request did": sameRequest, "write a rule of grouping": rules, "merge issues and take one out": mergeAndTakeOut, "talk about an issue and decide": talkAndDecide, "write who owns what": owners, "say who hears of issues": issueAlerts }),
  { name: "a browser's report of a violated policy", run: policyReport },
];
