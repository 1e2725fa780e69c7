// Pictures of every page, for people to look at: both themes, desktop and phone, into `settings.out` (build/shots).
import { mkdirSync } from "node:fs";
import { DESKTOP, PHONE, settled } from "./harness.mjs";
import { pagesOf } from "./pages.mjs";

const SIZES = { desktop: DESKTOP, phone: PHONE };

async function shoot(bench, theme, size, out, list) {
  const { context, page } = await bench.open({ theme, viewport: SIZES[size], reducedMotion: "reduce", deviceScaleFactor: 1 });
  for (const { name, path, prepare } of list) {
    await page.goto(path);
    await settled(page);
    await prepare?.(page);
    await page.waitForTimeout(150); // canvases paint after the frame that makes them
    await page.screenshot({ path: `${out}/${name}-${theme}-${size}.png` });
  }
  await context.close();
}

export function scenarios(settings) {
  const out = settings.out ?? "build/shots";
  mkdirSync(out, { recursive: true });
  const all = [];
  for (const theme of ["light", "dark"]) {
    for (const size of Object.keys(SIZES)) {
      const list = pagesOf(settings).filter((p) => size === "desktop" || !p.desktop);
      all.push({ name: `${theme}, ${size}`, run: (bench) => shoot(bench, theme, size, out, list) });
    }
    const alone = [{ name: "sign-in", path: "/sign-in" }, { name: "set-up", path: "/setup" }];
    all.push({ name: `${theme}, signed out`, run: (bench) => shoot({ open: (o) => bench.open({ ...o, signedIn: false }) }, theme, "desktop", out, alone) });
  }
  return all;
}
