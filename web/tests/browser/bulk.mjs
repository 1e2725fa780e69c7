// More issues than the list shows: once its page is selected, all that match can be changed together, after a question
// that says how many.
import { mkdirSync } from "node:fs";
import { DESKTOP, expect, PHONE, settled, until } from "./harness.mjs";

const all = (settings) => settings.issues.toLocaleString("en");

async function total(page, status) {
  const answer = await page.request.get(`/api/telltale/v1/issues?limit=1&status=${status}`);
  return (await answer.json()).total;
}

async function selectPage(page) {
  await page.goto("/issues?range=24h");
  await settled(page);
  await page.getByRole("checkbox", { name: "Select all issues" }).check();
}

async function resolveAll({ page }, settings) {
  let asked = "";
  let agree = false;
  page.on("dialog", (dialog) => {
    asked = dialog.message();
    void (agree ? dialog.accept() : dialog.dismiss());
  });
  await selectPage(page);
  const offer = page.locator(".issues-more");
  expect((await offer.innerText()).includes(`500 of ${all(settings)} issues that match are selected.`), "the page is not all");
  await page.getByRole("button", { name: `Select all ${all(settings)}` }).click();
  await page.getByText(`All ${all(settings)} issues that match are selected.`).waitFor();
  const bar = page.getByRole("toolbar", { name: "Change the selected issues" });
  expect((await bar.getByRole("button", { name: "Merge" }).count()) === 0, "these are not merged");
  await bar.getByRole("button", { name: "Resolve" }).click();
  await until(() => asked !== "", "a question");
  expect(asked.startsWith(`Resolve ${all(settings)} issues`), asked);
  expect((await total(page, "unresolved")) === settings.issues, "nobody agreed");
  agree = true;
  await bar.getByRole("button", { name: "Resolve" }).click();
  await until(async () => (await total(page, "resolved")) === settings.issues, "all of them are resolved");
  expect((await total(page, "unresolved")) === 0, "none is left");
  await page.getByText("No unresolved issues in this time range.").or(page.getByText("No issue matches.")).first().waitFor();
}

async function shoot(bench, settings) {
  if (!settings.out) return;
  mkdirSync(settings.out, { recursive: true });
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      const { context, page } = await bench.open({ theme, viewport, reducedMotion: "reduce" });
      await page.goto("/issues?range=24h");
      await settled(page);
      if (size === "phone") await page.keyboard.press("Control+a");
      else await page.getByRole("checkbox", { name: "Select all issues" }).check();
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${settings.out}/bulk-page-${theme}-${size}.png` });
      await page.getByRole("button", { name: `Select all ${all(settings)}` }).click();
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${settings.out}/bulk-all-${theme}-${size}.png` });
      await context.close();
    }
  }
}

export function scenarios(settings) {
  return [
    {
      name: "all that match are resolved",
      run: async (bench) => {
        await shoot(bench, settings);
        const { context, page, watch } = await bench.open();
        await resolveAll({ page }, settings);
        watch.assertClean();
        await context.close();
      },
    },
  ];
}
