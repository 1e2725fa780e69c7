// The size budget, measured on the built manifest as gzip would send it: what the first page needs, and what each
// route needs on top of nothing (first load included). Editors and charts are lazy, so they count where they are used.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_LOAD = 100 * 1024;
const ANY_ROUTE = 200 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const sizes = new Map();
const size = (file) => {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length);
  return sizes.get(file);
};

/** Every file the chunk cannot run without: itself, its styles, what it imports statically. */
function files(key, seen = new Set(), found = new Set()) {
  if (seen.has(key)) return found;
  seen.add(key);
  const chunk = manifest[key];
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const next of chunk.imports ?? []) files(next, seen, found);
  return found;
}
const sum = (set) => [...set].reduce((total, file) => total + size(file), 0);

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = files(entry);
shell.add("index.html");
const routes = Object.keys(manifest).filter((key) => key.startsWith("src/pages/"));
if (routes.length < 10) throw new Error(`only ${routes.length} routes in the manifest`);

let failed = false;
const report = (name, bytes, limit) => {
  const over = bytes > limit;
  failed ||= over;
  console.log(`${over ? "TOO LARGE " : ""}${name.padEnd(24)} ${(bytes / 1024).toFixed(1).padStart(7)} KiB of ${limit / 1024}`);
};
const withShell = (key) => sum(files(key, new Set(), new Set(shell)));
report("shell", sum(shell), FIRST_LOAD);
report("first load (overview)", withShell("src/pages/overview/index.tsx"), FIRST_LOAD);
for (const key of routes) report(key.replace("src/pages/", "/").replace("/index.tsx", ""), withShell(key), ANY_ROUTE);
process.exitCode = failed ? 1 : 0;
