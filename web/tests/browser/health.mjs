// How the application does: a release beside the one before, a job that is watched, and what people say, by mouse and by
// keyboard.
import { expect, settled, until } from "./harness.mjs";
import { byMouseAndKeyboard } from "./person.mjs";

async function release({ page, person, data }) {
  await page.goto("/releases");
  await settled(page);
  const link = page.getByRole("link", { name: data.release, exact: true });
  const row = page.getByRole("row").filter({ has: link });
  expect(/%/.test(await row.innerText()), "the list says how many sessions went without a crash");
  await person.press(link);
  await page.getByRole("heading", { name: data.release, exact: true }).waitFor();
  await settled(page);
  const text = await page.getByRole("main").innerText();
  expect(/Beside stockapp@2\.(0\.0|1\.0-bad)/.test(text) && text.includes("Crash-free sessions"), `the release before stands beside it: ${text}`);
  expect(text.includes("Ask for prices once") && text.includes("blue"), "commits and deploys are listed");
  const plot = page.getByRole("img", { name: /sessions, \d+ of them crashed/ });
  expect(await plot.isVisible(), "sessions are drawn, and said");
  await person.press(page.getByRole("button", { name: "7 days" }));
  await until(async () => page.url().includes("days=7"), "the address says which days");
  await page.goto("/releases/stockapp%402.1.0-bad");
  await settled(page);
  await person.press(page.getByRole("link", { name: "New in this release" }));
  await page.getByRole("row").nth(1).waitFor();
}

async function job({ page, person, watch }) {
  watch.expected.push("status of 400");
  const slug = `job-${Date.now()}`;
  await page.goto("/crons");
  await settled(page);
  const failing = page.getByRole("row").nth(1);
  expect(/price-import/.test(await failing.innerText()) && /Failing/.test(await failing.innerText()), "what fails comes first");
  await person.press(failing.getByRole("link", { name: "price-import" }));
  const failed = page.getByRole("dialog", { name: "Job price-import" });
  await failed.waitFor();
  await person.press(failed.getByRole("link", { name: "Its issue" }));
  await page.getByText("Scheduled job price-import failed").first().waitFor();
  await page.goto("/crons");
  await settled(page);
  await person.press(page.getByRole("button", { name: "Watch a job" }));
  const dialog = page.getByRole("dialog");
  await person.write(dialog.getByLabel("Slug"), slug);
  await person.write(dialog.getByLabel("Crontab"), "61 * * * *");
  await person.write(dialog.getByLabel("Time zone"), "Europe/Berlin");
  await person.press(dialog.getByRole("button", { name: "Watch it" }));
  await dialog.getByRole("alert").filter({ hasText: "minute" }).waitFor();
  await person.write(dialog.getByLabel("Crontab"), "0 3 * * mon-fri");
  await person.write(dialog.getByLabel("Environment"), "production");
  await person.press(dialog.getByRole("button", { name: "Watch it" }));
  const drawer = page.getByRole("dialog", { name: `Job ${slug}` });
  await drawer.waitFor();
  await settled(page);
  expect((await drawer.innerText()).includes("0 3 * * mon-fri"), "it is watched");
  await person.press(drawer.getByRole("button", { name: `Change ${slug}` }));
  await person.press(page.getByRole("menuitem", { name: /Mute/ }));
  await drawer.getByText("Muted").waitFor();
}

async function said({ page, person, data }) {
  await page.goto(`/issues/${data.issue}`);
  await settled(page);
  const region = page.getByRole("region", { name: "Feedback" });
  await region.getByText("The analysis stays empty").waitFor();
  await page.goto("/feedback?status=all");
  await settled(page);
  const item = page.getByRole("listitem").filter({ hasText: "Slow this morning" });
  await person.press(item.getByRole("button", { name: "Resolve" }));
  await item.getByText("Resolved").waitFor();
  await person.press(item.getByRole("button", { name: "Reopen" }));
  await item.getByRole("button", { name: "Resolve" }).waitFor();
}

export const scenarios = () => byMouseAndKeyboard({ "see how a release does": release, "watch a scheduled job": job, "read what people say": said });
