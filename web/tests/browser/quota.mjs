// What a project takes, and what became of it: a limit, filters and usage in the settings, and a mask that says by which
// rule it came, by mouse and by keyboard.
import { expect, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";

async function limits({ page, person }) {
  await page.goto("/settings/intake");
  await settled(page);
  const form = page.getByRole("form", { name: /^Limits of key / }).first();
  await person.press(form.getByRole("button", { name: "Add a limit" }));
  await person.write(form.getByRole("spinbutton", { name: "At most" }), "123456");
  await person.press(form.getByRole("button", { name: "Save the limits" }));
  await page.getByText("The limits hold from now on.").first().waitFor();
  await page.reload();
  await settled(page);
  expect((await form.getByRole("spinbutton").inputValue()) === "123456", "the limit is kept");
  await person.press(form.getByRole("button", { name: /Remove the limit on errors/ }));
  await person.press(form.getByRole("button", { name: "Save the limits" }));
  await form.getByText("no limit").waitFor();
}

async function filters({ page, person, watch }) {
  watch.expected.push("status of 400");
  await page.goto("/settings/intake");
  await settled(page);
  const crawlers = page.getByRole("checkbox", { name: /Web crawlers/ });
  const addresses = page.getByRole("textbox", { name: "Addresses" });
  const save = page.getByRole("button", { name: "Save", exact: true });
  await person.press(crawlers);
  await person.write(addresses, "203.0.113.0/99");
  await person.press(save);
  await page.getByRole("alert").filter({ hasText: "203.0.113.0/99" }).waitFor();
  await person.write(addresses, "203.0.113.0/24");
  await person.press(save);
  await page.getByText("This holds from now on.").first().waitFor();
  await page.reload();
  await settled(page);
  expect((await crawlers.isChecked()) && (await addresses.inputValue()) === "203.0.113.0/24", "both are kept");
  await person.press(crawlers);
  await person.write(addresses, "");
  await person.press(save);
  await until(async () => save.isDisabled(), "nothing is left to save");
}

async function usage({ page, person }) {
  await page.goto("/settings/usage");
  await settled(page);
  const table = page.getByRole("region", { name: "Usage by category" });
  await table.getByRole("button", { name: "Errors" }).waitFor();
  expect(await page.getByRole("img", { name: /^Everything: .*accepted/ }).isVisible(), "everything is drawn, and said");
  await person.press(table.getByRole("button", { name: "Errors" }));
  await page.getByRole("img", { name: /^Errors: .*accepted/ }).waitFor();
  await until(async () => page.url().includes("category=error"), "the address says which category");
  await person.press(page.getByRole("button", { name: "7 days" }));
  await until(async () => page.url().includes("days=7"), "and how many days");
}

/** Sends an error of its own, as an SDK would. */
async function plantMasked(page) {
  return page.evaluate(async () => {
    const { keys } = await (await fetch("/api/telltale/v1/projects/1/keys")).json();
    const id = crypto.randomUUID().replaceAll("-", "");
    const card = ["4111", "1111", "1111", "1111"].join(" ");
    const event = {
      event_id: id, platform: "python", level: "error", timestamp: Date.now() / 1000, fingerprint: ["masked"],
      exception: { values: [{ type: "PaymentError", value: `card ${card} was refused`, stacktrace: { frames: [
        { function: "pay", filename: "pay.py", lineno: 3, in_app: true, context_line: "raise PaymentError(card)", vars: { card, password: "hunter2hunter2", amount: "12" } }] } }] },
      extra: { note: `paid with ${card}` },
      request: { url: "https://shop.example/pay", method: "POST", headers: [["Cookie", "session=abcdef123456"]], data: { card, amount: 12 } },
    };
    const body = [JSON.stringify({ event_id: id }), JSON.stringify({ type: "event" }), JSON.stringify(event)].join("\n");
    const sent = await fetch(`/api/1/envelope/?sentry_key=${keys[0].public_key}&sentry_version=7`, { method: "POST", body });
    if (!sent.ok) throw new Error(`the event was not taken: ${sent.status}`);
    for (let i = 0; i < 100; i++) {
      const found = await (await fetch(`/api/telltale/v1/issues?project=1&query=${encodeURIComponent("PaymentError")}`)).json();
      if (found.issues?.length > 0) return found.issues[0].id;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error("the issue did not come");
  });
}

async function masked({ page, person }) {
  await page.goto("/issues?range=24h");
  await settled(page);
  const id = await plantMasked(page);
  await page.goto(`/issues/${id}`);
  await settled(page);
  const stack = page.getByRole("region", { name: "Stack trace" });
  const mask = stack.getByRole("button", { name: /^\[card\]\. Redacted by rule card: replaced/ });
  expect((await mask.first().getAttribute("title")).includes("by rule card"), "a pointer that rests on it is told");
  await person.press(mask);
  await stack.getByRole("status").filter({ hasText: "Redacted by rule card" }).first().waitFor();
  expect(await stack.getByRole("button", { name: /\[Filtered\]\. Redacted by rule key/ }).first().isVisible(), "a variable of a telling name, too");
  const request = page.getByRole("region", { name: "Request" });
  await request.getByText("Redacted by rule card: replaced").waitFor();
  expect(!(await page.getByRole("main").innerText()).includes("4111"), "nothing of it is left");
}

export const scenarios = () =>
  byMouseAndKeyboard({ "limit a key": limits, "filter what nobody wants": filters, "see what became of what was sent": usage, "learn why something is masked": masked });
