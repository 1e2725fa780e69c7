// axe-core on every page, with data and without, in both themes: no violation of WCAG 2.2 A or AA. The policy is
// switched off here, since axe is a script from outside; the other suites run under it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DESKTOP, expect, PHONE, settled } from "./harness.mjs";
import { pagesOf } from "./pages.mjs";

const AXE = readFileSync(fileURLToPath(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n${v.nodes.slice(0, 4).map((n) => `    ${n.target.join(" ")}  ${n.html.slice(0, 140)}\n      ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`).join("\n")}`);
  }, TAGS);
}

async function check(bench, options, list) {
  const { context, page } = await bench.open({ ...options, bypassCSP: true, reducedMotion: "reduce" });
  const found = [];
  for (const { name, path, prepare } of list) {
    await page.goto(path);
    await settled(page);
    await prepare?.(page);
    for (const v of await violations(page)) found.push(`${name} (${path}): ${v}`);
  }
  await context.close();
  expect(found.length === 0, () => `${found.length} violations\n${found.join("\n")}`);
}

export function scenarios(settings) {
  const all = [];
  for (const theme of ["light", "dark"]) {
    all.push({ name: `with data, ${theme}`, run: (bench) => check(bench, { theme, viewport: DESKTOP }, pagesOf(settings)) });
    all.push({ name: `phone, ${theme}`, run: (bench) => check(bench, { theme, viewport: PHONE }, pagesOf(settings).filter((p) => !p.desktop)) });
    all.push({ name: `signed out, ${theme}`, run: (bench) => check(bench, { theme, signedIn: false }, [{ name: "sign in", path: "/sign-in" }, { name: "set up", path: "/setup" }]) });
  }
  return all;
}
