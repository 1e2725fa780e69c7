// `npm run perf`: builds the measured page, opens it in Chromium and prints what painting and scrolling cost. Figures
// of a busy machine say little, so they are printed beside their goals and fail nothing by themselves; what cannot be
// drawn at all does.
//   CHROMIUM=/usr/bin/chromium  RUNS=5  THROTTLE=4 (times slower)
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "../../node_modules/.cache/perf");
const RUNS = Number(process.env.RUNS ?? 5);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; require-trusted-types-for 'script'";

await build({ configFile: join(here, "vite.config.ts"), logLevel: "error" });
const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, "http://x").pathname);
  if (path.startsWith("/api/")) return response.writeHead(404, { "Content-Type": "application/json" }).end("{}");
  try {
    const file = path === "/" ? "/index.html" : path;
    const body = await readFile(join(dist, file));
    // The worker that stands for a server is this page's own, made from a plain address.
    const policy = request.url.includes("case=tail") ? CSP.replace(/; require-trusted.*/, "") : CSP;
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": policy }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const problems = [];

async function open(query, height = 900) {
  const page = await browser.newPage({ viewport: { width: 1440, height } });
  page.on("pageerror", (e) => problems.push(`${query}: ${e.message}`));
  page.on("console", (m) => /Content Security|Trusted/.test(m.text()) && problems.push(`${query}: ${m.text()}`));
  const session = await page.context().newCDPSession(page);
  if (process.env.THROTTLE) await session.send("Emulation.setCPUThrottlingRate", { rate: Number(process.env.THROTTLE) });
  // The main thread's own time: unlike the clock's, it does not grow with what else the machine does.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  page.cpu = async () => (await session.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value * 1000;
  await page.goto(`${base}/?${query}`);
  await page.waitForFunction(() => window.ready && window.run);
  return page;
}
const sorted = (list) => [...list].sort((a, b) => a - b);
const median = (list) => sorted(list)[Math.floor(list.length / 2)];
function report(name, values, goal) {
  const ms = (v) => `${v.toFixed(0)} ms`;
  console.log(`${name.padEnd(46)} ${ms(median(values)).padStart(8)}   best ${ms(sorted(values)[0]).padStart(7)}   worst ${ms(sorted(values).at(-1)).padStart(7)}   goal ${goal}`);
}

/** Paints a case RUNS times, each in a page of its own. */
async function painting(name, query, goal, check, height) {
  const times = [];
  const busy = [];
  for (let i = 0; i < RUNS; i++) {
    const page = await open(query, height);
    const before = await page.cpu();
    times.push(await page.evaluate(() => window.run()));
    busy.push((await page.cpu()) - before);
    if (!(await page.evaluate(check))) problems.push(`${name}: not everything was drawn`);
    await page.close();
  }
  report(name, times, goal);
  report("  of it on the main thread", busy, goal);
}

/** Scrolls the list through with a wheel's steps; answers the lengths of all frames. */
async function scrolling(name, query, goal) {
  const page = await open(query);
  await page.evaluate(() => window.run());
  await page.waitForTimeout(500);
  const before = await page.cpu();
  const frames = await page.evaluate(async () => {
    const list = document.querySelector(".table-body");
    const lengths = [];
    let last = performance.now();
    for (let i = 0; i < 240; i++) {
      // Mostly a wheel's steps, now and then a jump as with the scroll bar.
      list.scrollTop += i % 40 === 39 ? list.scrollHeight / 8 : 240;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      lengths.push(now - last);
      last = now;
    }
    return lengths;
  });
  const rows = await page.evaluate(() => document.querySelectorAll(".table-space > .table-row").length);
  if (rows === 0) problems.push(`${name}: no rows in sight after scrolling`);
  report(`${name}: frames`, frames, goal);
  console.log(`  main thread ${(((await page.cpu()) - before) / frames.length).toFixed(1)} ms a frame`);
  console.log(`  frames over 34 ms: ${frames.filter((f) => f > 34).length} of ${frames.length}; rows in the document: ${rows}`);
  await page.close();
}

/** A live tail for some seconds: the lengths of all frames, and how many lines came. */
async function tailing(name, query, goal) {
  const page = await open(query);
  await page.evaluate(() => window.run());
  await page.waitForTimeout(1500);
  const before = await page.cpu();
  const frames = await page.evaluate(async () => {
    const lengths = [];
    let last = performance.now();
    const end = last + 6000;
    while (last < end) {
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      lengths.push(now - last);
      last = now;
    }
    return lengths;
  });
  const said = await page.evaluate(() => document.querySelector(".live-rate")?.textContent ?? "");
  if ((await page.evaluate(() => document.querySelectorAll(".table-space > .table-row").length)) === 0) problems.push(`${name}: no rows in sight`);
  report(`${name}: frames`, frames, goal);
  console.log(`  main thread ${(((await page.cpu()) - before) / 60).toFixed(0)} ms of each 100; the page says ${said}`);
  console.log(`  frames over 34 ms: ${frames.filter((f) => f > 34).length} of ${frames.length}`);
  await page.close();
}

const only = process.argv[2];
if (only === "tail") {
  await tailing("live tail at 20,000 lines a second", "case=tail", "< 34 ms each");
} else {
await painting("30 panels × 10 series × 360 points", "case=panels", "< 500 ms", () => window.painted === 30, 2400);
await painting("200,000 log lines, first paint", "case=logs", "< 500 ms", () => document.querySelectorAll(".table-space > .table-row").length > 10);
await scrolling("200,000 log lines", "case=logs", "< 34 ms each");
await painting("waterfall of 10,000 spans", "case=trace", "< 200 ms", () => document.querySelectorAll(".span-row").length > 10);
await tailing("live tail at 20,000 lines a second", "case=tail", "< 34 ms each");
}
await browser.close();
server.close();
for (const p of new Set(problems)) console.log(`PROBLEM ${p}`);
process.exitCode = problems.length > 0 ? 1 : 0;
