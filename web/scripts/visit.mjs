// Visits every page in both themes, on a desktop and on a phone, of a running server: takes pictures, runs axe (WCAG
// 2.2 A and AA), and listens for faults (exceptions, CSP and Trusted Types reports, failed requests). Needs a Chromium.
//
//   node scripts/visit.mjs --url http://127.0.0.1:8355 --out shots [--email E --password-env NAME] [--only issues,logs]
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8355" },
    out: { type: "string", default: "shots" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    email: { type: "string" },
    "password-env": { type: "string", default: "TELLTALE_PASSWORD" },
    only: { type: "string" },
  },
});
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const QUIET_MS = 700;
const faults = [];

/** Pages by name; those of one thing (an issue, a trace) are found in the data. */
async function pages(page) {
  const api = (path) => page.evaluate(async (p) => (await fetch(`/api/telltale/v1/${p}`)).json(), path);
  const issue = (await api("issues?limit=1")).issues?.[0];
  const trace = (await api("traces?limit=1")).traces?.[0];
  const time = issue?.last_seen ?? new Date().toISOString();
  return {
    overview: "/",
    issues: "/issues",
    ...(issue ? { issue: `/issues/${issue.id}?range=24h` } : {}),
    logs: "/logs",
    traces: "/traces",
    ...(trace ? { trace: `/traces/${trace.trace_id}` } : {}),
    metrics: "/metrics",
    alerts: "/alerts",
    around: `/issues?around=${encodeURIComponent(time)}`,
    "settings-projects": "/settings/projects",
    "settings-send": "/settings/send",
    "settings-tokens": "/settings/tokens",
    "settings-users": "/settings/users",
    "settings-storage": "/settings/storage",
    "settings-account": "/settings/account",
    "settings-appearance": "/settings/appearance",
    kit: "/kit",
  };
}

async function settle(page) {
  await page.waitForLoadState("networkidle", { timeout: 8000 }).catch(() => {});
  await page.waitForFunction(() => !document.querySelector(".skeleton") || document.querySelector(".kit"), null, { timeout: 8000 }).catch(() => {});
  await page.waitForTimeout(QUIET_MS);
}

async function audit(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then((r) => r.violations.map((v) => ({ id: v.id, nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(" ")}: ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`) }))),
  );
  for (const v of found) faults.push(`${name}: axe ${v.id}\n    ${v.nodes.join("\n    ")}`);
}

async function signIn(page) {
  await page.goto(`${options.url}/sign-in`);
  await settle(page);
  if (!options.email) return;
  await page.fill("input[name=email]", options.email);
  await page.fill("input[name=password]", process.env[options["password-env"]] ?? "");
  await page.click("button[type=submit]");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}

const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox"] });
mkdirSync(options.out, { recursive: true });
// One session for all: signing in is throttled.
const first = await browser.newContext();
const start = await first.newPage();
await signIn(start);
const state = await first.storageState();
const list = Object.entries(await pages(start)).filter(([name]) => !options.only || options.only.split(",").includes(name));
await first.close();

for (const theme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    // axe is injected past the CSP; a second, unpatched context would only double the time: reports still arrive.
    const context = await browser.newContext({ viewport, colorScheme: theme, storageState: state, bypassCSP: true, hasTouch: size === "phone" });
    const page = await context.newPage();
    let at = "";
    page.on("pageerror", (e) => faults.push(`${at}: exception ${e.message}`));
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && faults.push(`${at}: console ${m.text()}`));
    page.on("request", (r) => !r.url().startsWith(options.url) && !r.url().startsWith("data:") && faults.push(`${at}: request to ${r.url()}`));
    for (const [name, path] of list) {
      at = `${name}-${theme}-${size}`;
      await page.goto(options.url + path);
      await settle(page);
      await page.screenshot({ path: `${options.out}/${at}.png` });
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) faults.push(`${at}: wider than the screen`);
      await audit(page, at);
    }
    await context.close();
  }
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(`${list.length} pages, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
