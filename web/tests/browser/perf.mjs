// How quick the pages feel, in figures: largest paint of each page with the processor slowed to a quarter, and the
// slowest interaction of each of the main tasks. Prints beside the goals; decides nothing.
import { DESKTOP, settled } from "./harness.mjs";
import { pagesOf } from "./pages.mjs";
import { MousePerson } from "./person.mjs";
import { nowNs, shipper } from "./push.mjs";
import { OWN_SESSION, TASKS } from "./tasks.mjs";

const SLOWER = 4;
const RUNS = 3;
const LCP_GOAL_MS = 1000;
const INP_GOAL_MS = 100;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const line = (what, ms, goal) => `${what.padEnd(52)} ${String(Math.round(ms)).padStart(6)} ms   goal ${goal} ms ${ms <= goal ? "" : "  MISSED"}`;

async function largestPaint(bench, path) {
  const { context, page } = await bench.open({ viewport: DESKTOP });
  const cdp = await context.newCDPSession(page);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  await page.goto(path);
  await settled(page);
  const ms = await page.evaluate(
    () => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true })),
  );
  await context.close();
  return ms;
}

async function paints(bench) {
  const figures = [];
  for (const { name, path, prepare } of pagesOf(bench.settings)) {
    if (prepare) continue;
    const runs = [];
    for (let i = 0; i < RUNS; i++) runs.push(await largestPaint(bench, path));
    figures.push(line(`largest paint, ${SLOWER}× slower: ${name}`, median(runs), LCP_GOAL_MS));
  }
  return figures;
}

/** The slowest of the events of one interaction, as browsers count it, over all interactions of a task. */
async function interactions(bench) {
  const figures = [];
  for (const [name, run] of Object.entries(TASKS)) {
    const { context, page, watch } = await bench.open({ viewport: DESKTOP, signedIn: !OWN_SESSION.has(name) });
    if (OWN_SESSION.has(name) && name !== "sign in") await bench.signInPage(page);
    let slowest = 0;
    await context.exposeBinding("__took", (_source, ms) => (slowest = Math.max(slowest, ms)));
    await context.addInitScript(() =>
      new PerformanceObserver((list) => list.getEntries().forEach((e) => e.interactionId && window.__took(e.duration))).observe({ type: "event", durationThreshold: 16 }),
    );
    await run({ page, watch, person: new MousePerson(page), settings: bench.settings, data: bench.settings.data });
    await context.close();
    figures.push(line(`slowest interaction: ${name}`, slowest, INP_GOAL_MS));
  }
  return figures;
}

const TAIL_RATE = 20_000;
const TAIL_S = 6;
const FRAME_GOAL_MS = 34;
/** The live tail of a real server while lines are pushed over Loki's protocol: what the page says arrives, and its frames. */
async function tail(bench) {
  const { context, page } = await bench.open({ viewport: DESKTOP });
  const push = await shipper(page, bench.origin);
  await page.goto("/logs?range=15m&where=service%3Dflood&live=1");
  await page.locator(".live-open").waitFor();
  const began = Date.now();
  let sent = 0;
  let on = true;
  const pushing = (async () => {
    while (on) {
      for (let due = ((Date.now() - began) / 1000) * TAIL_RATE - sent; due >= 500; due -= 500) {
        sent += 500;
        await push({ service_name: "flood" }, Array.from({ length: 500 }, (_, i) => [nowNs(i), `GET /api/cart/${sent + i} 200 in ${(i * 7) % 900} ms user=u${i % 311}`]));
      }
      await new Promise((done) => setTimeout(done, 5));
    }
  })();
  await page.waitForTimeout(1500);
  const frames = await page.evaluate(async (seconds) => {
    const lengths = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    while (last < end) {
      await new Promise(requestAnimationFrame);
      lengths.push(performance.now() - last);
      last = performance.now();
    }
    return lengths;
  }, TAIL_S);
  const said = (await page.locator(".logs-bar").innerText()).replaceAll("\n", " ");
  on = false;
  await pushing;
  const took = (Date.now() - began) / 1000;
  await context.close();
  return [
    `live tail: ${Math.round(sent / took)} lines a second pushed; the page says: ${said.slice(0, 120)}`,
    `live tail: ${frames.length} frames, ${frames.filter((f) => f > FRAME_GOAL_MS).length} over ${FRAME_GOAL_MS} ms (goal 0), median ${median(frames).toFixed(1)} ms, longest ${Math.max(...frames).toFixed(0)} ms`,
  ];
}

export function scenarios() {
  return [
    { name: "largest paints", run: paints },
    { name: "interactions", run: interactions },
    { name: "live tail", run: tail },
  ];
}
