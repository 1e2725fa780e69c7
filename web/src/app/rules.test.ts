// Rules of the source that no type checks: no markup from strings, no style attributes (the CSP refuses both), files
// short enough to read.
import { expect, it } from "vitest";

const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.*", "!../**/*.d.ts"], { query: "?raw", import: "default", eager: true });
const styles = import.meta.glob<string>("../**/*.css", { query: "?raw", import: "default", eager: true });
const LONGEST = 300;

it("sees the source", () => expect(Object.keys(sources).length).toBeGreaterThan(40));

it("never makes markup out of strings", () => {
  const banned = /\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|eval\(|new Function\()|style="|\.setAttribute\(\s*["']style/;
  for (const [name, text] of Object.entries(sources)) {
    for (const line of text.split("\n")) if (!/^\s*(\/\/|\*|\/\*)/.test(line)) expect([name, banned.test(line) ? line : ""]).toEqual([name, ""]);
  }
});

it("fetches nothing from another host", () => {
  for (const [name, text] of Object.entries(styles)) expect([name, /@import|url\(/.test(text)]).toEqual([name, false]);
});

it("keeps files short", () => {
  for (const [name, text] of Object.entries(sources)) expect([name, text.split("\n").length > LONGEST]).toEqual([name, false]);
});
