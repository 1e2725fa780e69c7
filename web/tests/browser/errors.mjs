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
  ...byMouseAndKeyboard({ "see why an event is in its issue": reasons, "write a rule of grouping": rules }),
  { name: "a browser's report of a violated policy", run: policyReport },
];
