// The first start of a server, as whoever installed it sees it: the printed link, the first account, the first page, and
// that the link is spent afterwards.
import { DESKTOP, expect, settled, until } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;

async function followTheLink(bench) {
  const { email, password, link } = bench.settings;
  const { context, page, watch } = await bench.open({ viewport: DESKTOP, signedIn: false });
  watch.expected.push("status of 401", "status of 400");
  // Without the link there is nothing to sign in to, and the page says where the link is.
  await page.goto("/");
  await until(() => ["/sign-in", "/setup"].includes(path(page)), `a stranger is asked to sign in, is at ${page.url()}`);
  await page.goto(link);
  await page.getByRole("heading", { name: "Set up Telltale" }).waitFor();
  expect((await page.getByLabel("Set-up token").count()) === 0, "the token comes with the link");
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("short");
  await page.getByText("more characters are needed").waitFor();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await until(() => path(page) === "/", "the overview opens");
  expect(!page.url().includes("setup_"), "the token is out of the address");
  await settled(page);
  await page.getByText("Send the first event").waitFor(); // nothing was sent yet: how to
  expect((await page.locator("main").innerText()).includes("@127.0.0.1"), "the snippet has the project's own DSN");
  await page.goBack();
  expect(!page.url().includes("setup_"), "nor is the token in Back");
  // The link again: it is spent, and says so.
  await page.goto(link);
  await page.getByRole("heading", { name: "This server is set up" }).waitFor();
  watch.assertClean();
  await context.close();
}

async function signInAfterwards(bench) {
  const { context, page, watch } = await bench.open({ viewport: DESKTOP, signedIn: false });
  watch.expected.push("status of 401");
  await page.goto("/logs");
  await until(() => path(page) === "/sign-in", "a stranger is asked to sign in");
  await page.getByLabel("E-mail").fill(bench.settings.email);
  await page.getByLabel("Password").fill(bench.settings.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await until(() => path(page) === "/logs", "and comes to where it wanted to go");
  await settled(page);
  watch.assertClean();
  await context.close();
}

export const scenarios = () => [
  { name: "the printed link makes the first account", run: followTheLink },
  { name: "the first account signs in", run: signInAfterwards },
];
