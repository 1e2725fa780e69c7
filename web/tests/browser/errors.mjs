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

export const scenarios = () => byMouseAndKeyboard({ "see why an event is in its issue": reasons, "write a rule of grouping": rules });
