// Runs a suite's scenarios one after the other in one browser:
//   node run.mjs SUITE --list                      the names, one a line
//   node run.mjs SUITE --settings FILE [--only X]  one line of JSON a scenario: {name, ok, ms, error, figures?}
// A suite is a file here that exports `scenarios(settings)`: [{name, run(bench)}]. Settings say where the server is and
// who signs in; tests/e2e/test_browser.py writes them.
import { readFileSync } from "node:fs";
import { Bench, launch } from "./harness.mjs";

const [suite, ...options] = process.argv.slice(2);
const option = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : undefined);
if (!/^[a-z]+$/.test(suite ?? "")) throw new Error("which suite? see the files beside this one");
const { scenarios } = await import(`./${suite}.mjs`);

if (options.includes("--list")) {
  for (const s of scenarios({})) console.log(s.name);
} else {
  const file = option("--settings");
  if (!file) throw new Error("--settings FILE");
  const settings = JSON.parse(readFileSync(file, "utf8"));
  const only = option("--only");
  const browser = await launch();
  const bench = new Bench(browser, settings);
  let failed = 0;
  for (const scenario of scenarios(settings)) {
    if (only && !scenario.name.includes(only)) continue;
    const started = performance.now();
    const result = { name: scenario.name, ok: true, error: "" };
    try {
      const figures = await scenario.run(bench);
      if (Array.isArray(figures)) result.figures = figures;
    } catch (error) {
      failed++;
      Object.assign(result, { ok: false, error: String(error.stack ?? error) });
      if (settings.failures) await bench.last?.screenshot({ path: `${settings.failures}/${suite}-${scenario.name.replaceAll(/\W+/g, "-")}.png` }).catch(() => {});
    }
    for (const context of browser.contexts()) await context.close();
    console.log(JSON.stringify({ ...result, ms: Math.round(performance.now() - started) }));
  }
  await browser.close();
  process.exitCode = failed ? 1 : 0;
}
